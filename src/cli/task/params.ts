import { CodedError } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/outcome.ts'

/** Tokens in a chunk where nobody says otherwise, for the kinds that make chunks. */
const MAX_TOKENS = 110
const CHUNKING: ReadonlySet<string> = new Set(['chunk', 'embed', 'pipeline'])

/**
 * The parameters of a job: what was said, and no more than its kind takes. The daemon checks them.
 * @throws CLI_BAD_PARAM
 */
export function paramsOf(flags: {
  readonly kind: string
  readonly maxTokens?: number
  readonly param?: readonly string[]
}): JsonObject {
  const { kind, param = [] } = flags
  const maxTokens = flags.maxTokens ?? (CHUNKING.has(kind) ? MAX_TOKENS : undefined)
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...Object.fromEntries(param.map(parseParam)),
  }
}

/** `top=5` is a number, `query=solar roof` a text; what is JSON is taken as such, so `"5"` in quotes is a text. */
function parseParam(text: string): [string, Json] {
  const [, name, value = ''] = /^([A-Za-z]\w*)=(.*)$/s.exec(text) ?? []
  if (name === undefined) {
    throw new CodedError('CLI_BAD_PARAM', `"${text}" is no parameter`, { hint: 'write a name and a value, like top=5' })
  }
  try {
    return [name, JSON.parse(value)]
  } catch {
    return [name, value]
  }
}

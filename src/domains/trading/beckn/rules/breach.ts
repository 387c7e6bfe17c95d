import type { z } from 'zod'
import type { BecknCode } from '../error.ts'

/** Where in a message: the keys and indexes from its top. */
export type Path = readonly PropertyKey[]

/** Why a message is refused: what was expected, and where (JSONPath, RFC 9535). */
export interface Breach {
  readonly code: BecknCode
  readonly message: string
  readonly path: string
}

export function breach(code: BecknCode, path: Path, message: string): Breach {
  return { code, message, path: jsonPath(path) }
}

/** `$.message.contract.commitments[0]['@type']` */
export function jsonPath(path: Path): string {
  return `$${path.map(step).join('')}`
}

function step(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`
  const name = String(key).slice(0, 64)
  return /^[a-z_]\w*$/i.test(name) ? `.${name}` : `['${name.replace(/[\\']|\p{C}/gu, escaped)}']`
}

/** What could end the quotes or steer a terminal. */
function escaped(character: string): string {
  if (character === '\\' || character === "'") return `\\${character}`
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

export type Fields = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The first thing about `value`, which stands at `path`, that does not fit the schema. */
export function shapeBreach(schema: z.ZodType, value: unknown, path: Path): Breach | undefined {
  const issue = schema.safeParse(value).error?.issues[0]
  if (issue === undefined) return undefined
  const at = [...path, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    const said = `unknown here; the standard allows no field ${issue.keys.map(quoted).slice(0, 5).join(', ')}`
    return breach('SCH_INVALID', [...at, issue.keys[0] ?? ''], said)
  }
  const found = issue.path.reduce<unknown>((inner, key) => (inner as Fields | undefined)?.[key as string], value)
  const wanted = expectation(issue)
  if (found === undefined) return breach('SCH_MISSING_FIELD', at, `missing; expected ${wanted}`)
  return breach('SCH_INVALID', at, `expected ${wanted}; found ${shown(found)}`)
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? issue.expected
  if (issue.code === 'too_small') return atLeast(issue.origin, Number(issue.minimum))
  if (issue.code === 'too_big') return `${UNITS[issue.origin] ?? ''}at most ${issue.maximum}`
  // Ours: every format, union and check of these schemas says itself what it expects.
  return issue.message
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  record: 'an object',
  nonoptional: 'a value',
}

const UNITS: Readonly<Record<string, string>> = { array: 'a list of ', string: 'a text of ' }

function atLeast(origin: string, minimum: number): string {
  if (minimum === 1 && origin === 'array') return 'a list with something in it'
  if (minimum === 1 && origin === 'string') return 'a text with something in it'
  return `${UNITS[origin] ?? ''}at least ${minimum}`
}

const MAX_SHOWN = 40

export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** A stranger's word inside a sentence of ours: short, and on one line. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)
}

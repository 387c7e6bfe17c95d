import type { KindErrorCode } from '../../../daemon/kind.ts'
import { CodedError } from '../../../kernel/errors.ts'
import { paragraphEnds } from '../../../text/paragraphs.ts'
import type { SourceText } from '../../../text/source-text.ts'

/** Something to find: a text, or the vector of one. */
export interface ShardPassage {
  readonly id: string
  readonly text?: string | undefined
  readonly vector?: string | undefined
}

export interface Shard {
  /** Where its passages begin among the document's. */
  readonly first: number
  readonly passages: readonly ShardPassage[]
}

export interface ShardLimits {
  readonly maxBytes: number
  readonly maxPassages: number
  /** What is looked for: vectors, or texts. */
  readonly vectors: boolean
}

/** The braces, keys and quotes around a passage; and what JSON makes of a text at worst is bounded by twice its bytes. */
const bytesOfPassage = 64

/**
 * A document as a shard of passages. A document named `….jsonl` has one a line, `{"id": …, "text": …}` or `{"id": …,
 * "vector": …}`; of any other, each paragraph is a passage whose id is its place, `120-480`.
 * @throws CodedError<'TASK_BAD_INPUT'> naming the line
 */
export function* shardParts(document: SourceText, limits: ShardLimits): Generator<Shard, void> {
  let [first, size, passages]: [number, number, ShardPassage[]] = [0, 0, []]
  for (const passage of document.name.endsWith('.jsonl') ? lines(document, limits) : paragraphs(document, limits)) {
    const added = Buffer.byteLength(JSON.stringify(passage)) + bytesOfPassage
    if (added > limits.maxBytes)
      throw bad(`the passage ${passage.id} has ${added} bytes, the limit is ${limits.maxBytes}`)
    if (passages.length === limits.maxPassages || (passages.length > 0 && size + added > limits.maxBytes)) {
      yield { first, passages }
      ;[first, size, passages] = [first + passages.length, 0, []]
    }
    passages.push(passage)
    size += added
  }
  if (passages.length > 0) yield { first, passages }
}

function* lines({ text, name }: SourceText, { vectors }: ShardLimits): Generator<ShardPassage, void> {
  const ids = new Set<string>()
  let number = 0
  for (const [line] of text.matchAll(/[^\n]*\n?/g)) {
    number += 1
    if (line.trim() === '') continue
    const passage = passageOf(line, vectors ? 'vector' : 'text')
    if (typeof passage === 'string') throw bad(`line ${number} of ${name} ${passage}`)
    if (ids.has(passage.id)) throw bad(`line ${number} of ${name}: the id ${passage.id} stands there before`)
    ids.add(passage.id)
    yield passage
  }
}

/** The passage, or what is wrong with the line. */
function passageOf(line: string, wanted: 'vector' | 'text'): ShardPassage | string {
  const { id, [wanted]: value } = parsed(line) ?? {}
  const valid = typeof id === 'string' && typeof value === 'string' && id !== '' && id.length <= 512 && value !== ''
  if (!valid) return `is not {"id": …, "${wanted}": …}`
  return id.isWellFormed() && value.isWellFormed() ? { id, [wanted]: value } : 'is not well-formed Unicode'
}

function* paragraphs({ text, name }: SourceText, { vectors }: ShardLimits): Generator<ShardPassage, void> {
  if (vectors) throw bad(`${name} has no vectors: a shard of vectors is a file .jsonl`)
  let start = 0
  for (const end of paragraphEnds(text)) {
    const passage = text.slice(start, end)
    if (/\S/u.test(passage)) yield { id: `${start}-${end}`, text: passage }
    start = end
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function bad(message: string): CodedError<KindErrorCode> {
  return new CodedError<KindErrorCode>('TASK_BAD_INPUT', message, {
    hint: 'A shard is a text, or a file .jsonl with {"id": "…", "text": "…"} or {"id": "…", "vector": "…"} a line.',
  })
}

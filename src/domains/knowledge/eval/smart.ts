import { CodedError } from '../../../kernel/errors.ts'

export type EvalCode = 'EVAL_BAD_FILE' | 'EVAL_NO_QUERIES'

/** A document or query of a collection in SMART's format: `.I` number, then fields that each begin with a letter's line. */
export interface SmartEntry {
  readonly id: string
  /** `.T`, `.A`, `.B`, `.W`, … without the dot. */
  readonly fields: Readonly<Record<string, string>>
}

/** Grades above 0, by query and document. */
export type Judgements = ReadonlyMap<string, ReadonlyMap<string, number>>

/** @param name for messages @throws CodedError<'EVAL_BAD_FILE'> */
export function parseSmart(text: string, name: string): SmartEntry[] {
  const [before = '', ...entries] = text.split(/^\.I\s+/mu)
  if (before.trim() !== '' || entries.length === 0) throw badFile(name, 0, 'it does not begin with ".I" and a number')
  return entries.map(entry => {
    const [head = '', ...parts] = entry.split(/^\.([A-Z])\s*$/mu)
    const fields: Record<string, string> = {}
    // Split by a pattern with a group: letter, text, letter, text, …
    for (let at = 0; at < parts.length; at += 2) {
      const letter = parts[at] ?? ''
      fields[letter] = (fields[letter] ?? '') + (parts[at + 1] ?? '')
    }
    return { id: head.trim(), fields }
  })
}

/** The words of an entry: its title, unless the text begins with it, and its text. */
export function textOf({ fields }: SmartEntry): string {
  const title = (fields['T'] ?? '').trim()
  const body = (fields['W'] ?? '').trim()
  return title === '' || body.startsWith(title) ? body : `${title}\n\n${body}`
}

/** TREC's `query 0 document grade`. @throws CodedError<'EVAL_BAD_FILE'> */
export function parseJudgements(text: string, name: string): Judgements {
  const judgements = new Map<string, Map<string, number>>()
  for (const [number, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [query, , document, grade, ...more] = line.trim().split(/\s+/)
    const value = Number(grade)
    if (query === undefined || document === undefined || grade === undefined || more.length > 0 || Number.isNaN(value))
      throw badFile(name, number, 'not of the form "query 0 document grade"')
    const graded = judgements.get(query) ?? new Map<string, number>()
    if (value > 0) graded.set(document, value)
    judgements.set(query, graded)
  }
  return judgements
}

function badFile(name: string, index: number, reason: string): CodedError<EvalCode> {
  return new CodedError('EVAL_BAD_FILE', `${name}, line ${index + 1}: ${reason}`, {
    hint: 'give SMART documents, SMART queries and TREC judgements, in that order',
  })
}

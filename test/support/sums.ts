import { z } from 'zod'
import type { DonePart, Kind, KindTable } from '../../src/daemon/kind.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import type { KindErrorCode } from '../../src/threads/failures.ts'

export interface Numbers {
  /** Its place among the parts. */
  readonly part: number
  readonly numbers: readonly number[]
}

/** A kind of work that knows no text: what is submitted is a list of numbers, the result is their sum. */
export const sums: Kind<{
  source: readonly number[]
  params: { readonly most: number }
  input: Numbers
  output: number
  result: { readonly sum: number; readonly parts: number }
  asks: never
}> = {
  name: 'sums',
  version: 1,
  asks: {},
  source: z.array(z.int()).min(1),
  params: z.strictObject({ most: z.int().min(1).default(3) }),
  input: z.strictObject({ part: z.int().min(0), numbers: z.array(z.int()).min(1) }),
  output: z.int(),
  limits: { maxInputBytes: 1_024, maxRunMs: () => 5_000, maxMemoryMb: 16 },

  *split(source, { most }) {
    for (let from = 0, part = 0; from < source.length; from += most, part++)
      yield { part, numbers: source.slice(from, from + most) }
  },
  async run({ numbers }, _, { signal, progress }) {
    signal.throwIfAborted()
    progress(numbers.length, numbers.length)
    return total(numbers)
  },
  verify: ({ input, output }) => (output === total(input.numbers) ? undefined : 'another sum'),
  agrees: (a, b) => a === b,
  merge(parts) {
    requireAll(parts)
    return { sum: total(parts.map(({ output }) => output)), parts: parts.length }
  },
}

function requireAll(parts: readonly DonePart<Numbers, number>[]): void {
  const missing = parts.findIndex(({ input }, place) => input.part !== place)
  if (missing !== -1) throw new CodedError<KindErrorCode>('TASK_PARTS_INCOMPLETE', `part ${missing} is missing`)
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

export const kinds = { sums } as const satisfies KindTable

/** This file: what a worker thread imports. */
export const kindsModule = new URL(import.meta.url)

import { z } from 'zod'
import type { Kind, KindTable } from '../../../src/daemon/kind.ts'

/** Work that strangers' machines may do: a name is made a greeting. */
const greet: Kind<{
  source: string
  params: Record<string, never>
  input: string
  output: string
  result: string
  asks: never
}> = {
  name: 'greet',
  version: 1,
  asks: {},
  source: z.string(),
  params: z.strictObject({}),
  input: z.string(),
  output: z.string(),
  limits: { maxInputBytes: 100, maxRunMs: () => 5_000, maxMemoryMb: 16 },
  split: source => [source],
  run: async name => `hello ${name}`,
  verify: ({ input, output }) => (output === `hello ${input}` ? undefined : 'not a greeting'),
  agrees: (a, b) => a === b,
  merge: parts => parts.map(({ output }) => output).join(', '),
}

export const kinds = { greet } as const satisfies KindTable

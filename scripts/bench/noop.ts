import { z } from 'zod'
import type { AnyKind, Kind } from '../../src/daemon/kind.ts'
import { kinds } from '../../src/domains/knowledge/kinds/kinds.ts'
import { type SourceText, sourceTextSchema } from '../../src/text/source-text.ts'

/** Nothing to do, so that everything around it is measured; a document's text is how many parts it has. */
const noop: Kind<{
  source: SourceText
  params: Record<string, never>
  input: number
  output: number
  result: number
  asks: never
}> = {
  name: 'noop',
  version: 1,
  asks: {},
  source: sourceTextSchema,
  params: z.strictObject({}),
  input: z.int(),
  output: z.int(),
  limits: { maxInputBytes: 16, maxRunMs: () => 10_000, maxMemoryMb: 16 },
  *split({ text }) {
    for (let n = 0; n < Number(text); n++) yield n
  },
  run: async input => input,
  verify: ({ input, output }) => (input === output ? undefined : 'another number'),
  agrees: (a, b) => a === b,
  merge: parts => parts.length,
}

/** Loaded into a daemon before its own code (`--import`), in its main thread and its workers: one kind more. */
Object.assign(kinds as Record<string, AnyKind>, { noop })

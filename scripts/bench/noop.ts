import { z } from 'zod'
import type { AnyKind, Kind } from '../../src/domains/tasks/kinds/kind.ts'
import { kinds } from '../../src/domains/tasks/kinds/kinds.ts'

/** Nothing to do, so that everything around it is measured; a document's text is how many parts it has. */
const noop: Kind<Record<string, never>, number, number, number> = {
  name: 'noop',
  version: 1,
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

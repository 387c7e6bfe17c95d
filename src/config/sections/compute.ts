import { z } from 'zod'
import { option } from '../../kernel/option.ts'

/** The worker threads of this machine. */
export const compute = z.object({
  threads: option(z.int().min(1).max(64).default(1), 'Worker threads for tasks of others and your own.', 'threads'),
  memoryMb: option(z.int().min(128).default(1024), 'Memory of a worker thread at most.', 'MB'),
  watts: option(
    z.number().min(0).default(15),
    'Power that one busy thread draws, where nothing meters it: what receipts of work are estimated from.',
    'W',
  ),
})

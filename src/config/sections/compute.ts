import { z } from 'zod'
import { option } from './option.ts'

export const compute = z.strictObject({
  threads: option(z.int().min(1).max(64).default(1), 'Worker threads for tasks of others and your own.', 'threads'),
  memoryMb: option(z.int().min(128).default(1024), 'Memory of a worker thread at most.', 'MB'),
  leaseMs: option(z.int().min(1000).default(30_000), 'How long a worker may keep a task without a sign of life.', 'ms'),
  heartbeatMs: option(z.int().min(100).default(5_000), 'How often a worker tells its progress.', 'ms'),
})

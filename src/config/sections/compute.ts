import { z } from 'zod'
import { list, option } from './option.ts'

export const compute = z.strictObject({
  threads: option(z.int().min(1).max(64).default(1), 'Worker threads for tasks of others and your own.', 'threads'),
  deskTasks: option(
    z.int().min(1).max(1_024).optional(),
    'Tasks of others taken at a time; without it, eight for each thread. Small tasks want many, large ones few.',
    'tasks',
  ),
  memoryMb: option(z.int().min(128).default(1024), 'Memory of a worker thread at most.', 'MB'),
  leaseMs: option(z.int().min(1000).default(30_000), 'How long a worker may keep a task without a sign of life.', 'ms'),
  heartbeatMs: option(
    z.int().min(100).default(5_000),
    'How often a worker tells its progress; three missed end its lease.',
    'ms',
  ),
  maxOpenTasks: option(
    z.int().min(1).default(100_000),
    'Tasks of your own jobs that may be open at a time; what comes on top is refused.',
    'tasks',
  ),
  resultDays: option(z.number().min(0).default(7), 'How long ended jobs and their results are kept.', 'days'),
  trustedPeers: option(list.default([]), 'Peers that may be given private jobs which name nobody.'),
  priceClass: option(
    z.int().min(0).max(9).default(0),
    'What your work costs others, from 0 (free) to 9; submitters prefer the cheaper of equals.',
  ),
  watts: option(
    z.number().min(0).default(15),
    'Power that one busy thread draws, where nothing meters it: what receipts of work are estimated from.',
    'W',
  ),
  lieShare: option(
    z.number().min(0).max(1).default(0),
    'Share of the results for others that are falsified before they are sent (scenarios only).',
    '0–1',
  ),
})

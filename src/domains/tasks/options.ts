import { z } from 'zod'
import { list, option } from '../../kernel/option.ts'

const compute = z.object({
  deskTasks: option(
    z.int().min(1).max(1_024).optional(),
    'Tasks of others taken at a time; without it, eight for each thread. Small tasks want many, large ones few.',
    'tasks',
  ),
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
  lieShare: option(
    z.number().min(0).max(1).default(0),
    'Share of the results for others that are falsified before they are sent (scenarios only).',
    '0–1',
  ),
})

export const tasksOptions = z.object({ compute: compute.prefault({}) })

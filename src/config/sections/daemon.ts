import { z } from 'zod'
import { option } from '../../kernel/option.ts'

export const storage = z.object({
  journalDays: option(z.number().positive().default(30), 'How long handled messages are remembered.', 'days'),
  journalMessages: option(
    z.int().min(100).default(200_000),
    'How many handled messages are remembered at most.',
    'messages',
  ),
})

export const report = z.object({
  minutes: option(z.number().min(0).default(2), 'How often a report is written; market time; 0: never.', 'min'),
})

export const api = z.object({
  port: option(z.int().min(0).max(65_535).default(0), 'Port of the local API on 127.0.0.1; 0 takes a free one.'),
})

export const log = z.object({
  level: option(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'), 'How much is logged.'),
  format: option(
    z.enum(['auto', 'json', 'pretty']).default('auto'),
    'JSON lines, or readable; auto looks for a terminal.',
  ),
})

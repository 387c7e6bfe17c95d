import { z } from 'zod'
import { option } from '../../kernel/option.ts'

/** Market time, and what all trade is reckoned in. */
export const market = z.object({
  slotMs: option(z.int().min(1000).multipleOf(1000).default(900_000), 'Length of a delivery slot.', 'ms'),
  speed: option(
    z.number().positive().default(1),
    'Market time runs this many times as fast as life (scenarios only).',
    '×',
  ),
  originMs: option(z.int().min(0).default(0), 'When market time and real time agreed (scenarios only).', 'Unix ms'),
  currency: option(
    z
      .string()
      .regex(/^[A-Z]{3}$/)
      .default('USD'),
    'Currency of all prices.',
    'ISO 4217',
  ),
  seed: option(z.int().default(1), 'Seed of everything random in a scenario.'),
})

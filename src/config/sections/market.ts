import { z } from 'zod'
import { flag, option, price } from './option.ts'

export const market = z.strictObject({
  slotMs: option(z.int().min(1000).multipleOf(1000).default(900_000), 'Length of a delivery slot.', 'ms'),
  speed: option(
    z.number().positive().default(1),
    'Market time runs this many times as fast as life (scenarios only).',
    '×',
  ),
  autoOpen: option(flag(true), 'Take part in the market from the start; a scenario opens it when everybody is there.'),
  originMs: option(z.int().min(0).default(0), 'When market time and real time agreed (scenarios only).', 'Unix ms'),
  currency: option(
    z
      .string()
      .regex(/^[A-Z]{3}$/)
      .default('USD'),
    'Currency of all prices.',
    'ISO 4217',
  ),
  reservationMs: option(
    z.int().min(1000).default(30_000),
    'How long a seller keeps energy for a buyer who has not confirmed.',
    'ms',
  ),
  stepTimeoutMs: option(z.int().min(500).default(10_000), 'How long a buyer waits for each step of a trade.', 'ms'),
  searchMs: option(z.int().min(100).default(1_000), 'How long a search collects answers.', 'ms'),
  penaltyMicro: option(
    price(50_000),
    'What energy promised and not delivered or not taken costs, beyond the tolerance; the same in the whole network.',
    'millionths/kWh',
  ),
  tolerancePercent: option(
    z.number().min(0).max(100).default(5),
    'Shortfall that costs no penalty; the same in the whole network.',
    '%',
  ),
  offlineShare: option(
    z.number().min(0).max(1).default(0),
    'Share of the searches this household cannot be reached for (scenarios only).',
    '0–1',
  ),
  seed: option(z.int().default(1), 'Seed of everything random in a scenario.'),
})

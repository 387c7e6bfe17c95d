import { z } from 'zod'
import { flag, list, option, price } from '../../kernel/option.ts'

const household = z.object({
  sellPriceMicro: option(z.int().min(0).default(150_000), 'What a neighbour pays you.', 'millionths/kWh'),
  maxPriceMicro: option(z.int().min(0).default(300_000), 'What you pay at most.', 'millionths/kWh'),
  maxBuyWh: option(z.int().min(0).default(1_000_000), 'What you buy in a slot at most.', 'Wh'),
  neighbours: option(list.default([]), 'Trade with these peers only; empty: with everybody.', 'peer id'),
  avoidPeers: option(list.default([]), 'Never trade with these peers.', 'peer id'),
  utilities: option(
    list.default([]),
    'Believe only these peers that they are your utility; empty: everybody who says so.',
    'peer id',
  ),
  trade: option(flag(false), 'Buy and sell by yourself, each market slot.'),
})

const utility = z.object({
  priceMicro: option(z.int().min(0).default(250_000), 'Retail tariff.', 'millionths/kWh'),
  feedInMicro: option(price(80_000), 'Feed-in tariff: what a household gets for what nobody bought.', 'millionths/kWh'),
  gridFeeMicro: option(price(30_000), 'Grid fee between zones.', 'millionths/kWh'),
  shareMicro: option(price(0), 'What the utility takes of each kWh that neighbours sell each other.', 'millionths/kWh'),
  slotWh: option(
    z.int().min(1).default(1_000_000),
    'What one purchase gets of a market slot at most; sales use nothing up.',
    'Wh',
  ),
})

const market = z.object({
  autoOpen: option(flag(true), 'Take part in the market from the start; a scenario opens it when everybody is there.'),
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
})

export const tradingOptions = z.object({
  household: household.prefault({}),
  utility: utility.prefault({}),
  market: market.prefault({}),
})
export type TradingOptions = z.output<typeof tradingOptions>

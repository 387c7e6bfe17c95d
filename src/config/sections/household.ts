import { z } from 'zod'
import { flag, list, option, price } from './option.ts'

export const household = z.strictObject({
  capacityWh: option(z.int().min(0).default(10_000), 'Battery capacity.', 'Wh'),
  socPercent: option(z.number().min(0).max(100).default(50), 'State of charge at the very first start.', '%'),
  sellAbovePercent: option(z.number().min(0).max(100).default(60), 'Sell while the battery is fuller than this.', '%'),
  buyBelowPercent: option(z.number().min(0).max(100).default(40), 'Buy while the battery is emptier than this.', '%'),
  minSocPercent: option(z.number().min(0).max(100).default(10), 'The battery is never emptied below this.', '%'),
  loadWh: option(z.int().min(0).default(0), 'Simulated consumption in a market slot.', 'Wh'),
  solarWh: option(z.int().min(0).default(0), 'Simulated generation in a market slot.', 'Wh'),
  dataFile: option(
    z.string().optional(),
    'Replay load and solar from a CSV file with the columns load_wh and solar_wh, a row a slot.',
    'path',
  ),
  sellPriceMicro: option(z.int().min(0).default(150_000), 'What a neighbour pays you.', 'millionths/kWh'),
  maxPriceMicro: option(z.int().min(0).default(300_000), 'What you pay at most.', 'millionths/kWh'),
  maxBuyWh: option(z.int().min(0).default(1_000_000), 'What you buy in a slot at most.', 'Wh'),
  neighbours: option(list.default([]), 'Trade with these peers only; empty: with everybody.', 'peer id'),
  avoidPeers: option(list.default([]), 'Never trade with these peers.', 'peer id'),
  creditMicro: option(
    z.int().min(0).default(20_000_000),
    'What one neighbour may owe you before you sell it nothing more.',
    'millionths',
  ),
  cRate: option(z.number().positive().max(10).default(0.5), 'Battery power: charged or emptied in 1/C hours.', 'C'),
  efficiencyPercent: option(
    z.number().min(1).max(100).default(100),
    'What a full turn through the battery returns.',
    '%',
  ),
  strategyFile: option(
    z.string().optional(),
    'A module whose default export decides instead of the thresholds.',
    'path',
  ),
  utilities: option(
    list.default([]),
    'Believe only these peers that they are your utility; empty: everybody who says so.',
    'peer id',
  ),
  shareSoc: option(
    flag(false),
    'Tell the utilities you name in household.utilities your state of charge when they ask; with none named, nobody.',
  ),
  trade: option(flag(false), 'Buy and sell by yourself, each market slot.'),
})

export const meter = z.strictObject({
  source: option(
    z.enum(['simulated', 'mqtt']).default('simulated'),
    'Where readings, and the surplus that manners compute on, come from: the household above, or MQTT.',
  ),
  mqttUrl: option(z.string().default('mqtt://127.0.0.1:1883'), 'The broker of your smart-meter reader.', 'URL'),
  mqttImportTopic: option(
    z.string().default('meter/import_wh'),
    'Topic of the import register, in Wh since ever; published every 2 min or sooner.',
  ),
  mqttExportTopic: option(
    z.string().default('meter/export_wh'),
    'Topic of the export register; likewise. Empty: nothing ever flows out.',
  ),
  graceSeconds: option(
    z.number().min(0).default(60),
    'How long after a slot a reading may come before it is estimated; market time.',
    's',
  ),
})

export const utility = z.strictObject({
  priceMicro: option(z.int().min(0).default(250_000), 'Retail tariff.', 'millionths/kWh'),
  feedInMicro: option(price(80_000), 'Feed-in tariff: what a household gets for what nobody bought.', 'millionths/kWh'),
  gridFeeMicro: option(price(30_000), 'Grid fee between zones.', 'millionths/kWh'),
  shareMicro: option(price(0), 'What the utility takes of each kWh that neighbours sell each other.', 'millionths/kWh'),
  collectSoc: option(flag(true), 'Ask the households that agree for their state of charge.'),
  socMinutes: option(z.number().positive().default(5), 'How often; market time.', 'min'),
  slotWh: option(
    z.int().min(1).default(1_000_000),
    'What one purchase gets of a market slot at most; sales use nothing up.',
    'Wh',
  ),
})

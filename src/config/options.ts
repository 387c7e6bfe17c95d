import { z } from 'zod'

/** Every option: its type, default, unit where one is needed, and the sentence a person reads in `wattmesh config`. */
function option<T extends z.ZodType>(schema: T, description: string, unit?: string): T {
  return schema.meta(unit === undefined ? { description } : { description, unit })
}

const flag = (byDefault: boolean) => z.boolean().default(byDefault)
const list = z.array(z.string())
const word = z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, dots and dashes, at most 64')
const role = z.enum(['household', 'utility', 'compute'])

const network = z.strictObject({
  name: option(word.default('wattmesh'), 'The network to join; messages of another are refused.'),
  zone: option(word.default('zone-1'), 'The grid area you live in; trade inside a zone pays no grid fee.'),
  listen: option(list.default(['/ip4/0.0.0.0/tcp/4747']), 'Where other peers can dial this one.', 'multiaddr'),
  announce: option(list.default([]), 'Addresses to tell others besides the discovered ones.', 'multiaddr'),
  bootstrap: option(list.default([]), 'Peers to ask first when joining.', 'multiaddr'),
  mdns: option(flag(true), 'Find peers on the local network.'),
  mdnsServiceTag: option(z.string().default('_wattmesh._udp.local'), 'The name peers look for on the local network.'),
  dht: option(z.enum(['client', 'server', 'off']).default('server'), 'Take part in the distributed peer directory.'),
  maxConnections: option(
    z.int().min(4).max(1000).default(50),
    'Open connections at most; a home router bears about 50.',
    'connections',
  ),
  relayClient: option(flag(true), 'Be reachable through relays when nobody can dial you.'),
  relayServer: option(flag(false), 'Relay for peers who cannot be dialled.'),
  autonat: option(flag(true), 'Ask others whether they can dial you.'),
  dcutr: option(flag(true), 'Turn relayed connections into direct ones.'),
  upnp: option(flag(false), 'Ask the router to open a port.'),
  presharedKeyFile: option(z.string().optional(), 'A swarm.key file: only peers that hold it can connect.', 'path'),
  denyPeers: option(list.default([]), 'Peers never to talk to.', 'peer id'),
})

const storage = z.strictObject({
  journalDays: option(z.number().positive().default(30), 'How long handled messages are remembered.', 'days'),
  journalMessages: option(
    z.int().min(100).default(200_000),
    'How many handled messages are remembered at most.',
    'messages',
  ),
})

const household = z.strictObject({
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
  trade: option(flag(false), 'Buy and sell by yourself, each market slot.'),
})

const utility = z.strictObject({
  priceMicro: option(z.int().min(0).default(250_000), 'Retail tariff.', 'millionths/kWh'),
  slotWh: option(z.int().min(1).default(1_000_000), 'Energy offered in a market slot.', 'Wh'),
})

const market = z.strictObject({
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
  offlineShare: option(
    z.number().min(0).max(1).default(0),
    'Share of slots this household plays dead (scenarios only).',
    '0–1',
  ),
  seed: option(z.int().default(1), 'Seed of everything random in a scenario.'),
})

const compute = z.strictObject({
  threads: option(z.int().min(1).max(64).default(1), 'Worker threads for tasks of others and your own.', 'threads'),
  memoryMb: option(z.int().min(128).default(1024), 'Memory of a worker thread at most.', 'MB'),
  leaseMs: option(z.int().min(1000).default(30_000), 'How long a worker may keep a task without a sign of life.', 'ms'),
  heartbeatMs: option(z.int().min(100).default(5_000), 'How often a worker tells its progress.', 'ms'),
})

const api = z.strictObject({
  port: option(z.int().min(0).max(65_535).default(0), 'Port of the local API on 127.0.0.1; 0 takes a free one.'),
})

const log = z.strictObject({
  level: option(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'), 'How much is logged.'),
  format: option(
    z.enum(['auto', 'json', 'pretty']).default('auto'),
    'JSON lines, or readable; auto looks for a terminal.',
  ),
})

/** The law of the protocol (sizes, skews) is not here: every peer must hold to the same. */
export const optionsSchema = z.strictObject({
  name: option(z.string().max(64).default(''), 'What people call this peer.'),
  roles: option(z.array(role).default(['household']), 'What this peer does: household, utility, compute.'),
  network: network.prefault({}),
  storage: storage.prefault({}),
  household: household.prefault({}),
  utility: utility.prefault({}),
  market: market.prefault({}),
  compute: compute.prefault({}),
  api: api.prefault({}),
  log: log.prefault({}),
})

export type Options = z.infer<typeof optionsSchema>

export interface OptionDoc {
  readonly path: string
  readonly description: string
  readonly unit: string | undefined
  readonly schema: z.ZodType
}

/** Every leaf of the schema, in order: `network.listen`, … */
export function optionDocs(schema: z.ZodType = optionsSchema, path = ''): OptionDoc[] {
  const object = innermost(schema)
  if (!(object instanceof z.ZodObject)) {
    const meta = schema.meta() ?? {}
    return [{ path, description: String(meta['description'] ?? ''), unit: meta['unit'] as string | undefined, schema }]
  }
  return Object.entries(object.shape).flatMap(([key, child]) =>
    optionDocs(child as z.ZodType, path === '' ? key : `${path}.${key}`),
  )
}

/** The schema under its defaults and optionals. */
export function innermost(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return innermost(schema.unwrap() as z.ZodType)
  }
  return schema
}

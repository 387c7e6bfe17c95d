import { z } from 'zod'
import { commands, type Shape } from './command.ts'
import {
  answer,
  carrier,
  energyWh,
  jsonObject,
  marketTimeMs,
  messageId,
  nothing,
  page,
  peerId,
  subjectId,
  timeMs,
} from './words.ts'

const count = z.int().min(0)
const word = z.string().max(128).optional()
const address = z.string().describe('Multiaddr.')

const discovered = z
  .object({ bootstrap: count, mdns: count, dht: count, cache: count })
  .describe('Peers found since the start, by source.')

const dialBack = z.object({
  reachable: z.boolean(),
  asked: count.describe('How many peers were asked to dial this one.'),
  address: address.exactOptional().describe('Where one of them reached it.'),
  reason: z.string().exactOptional().describe('Why nobody did.'),
})

const reachability = z.object({
  status: z.enum(['public', 'private', 'unknown']),
  addresses: z.array(address).describe('Public addresses that others have confirmed.'),
  dialBack: dialBack.extend({ at: timeMs }).exactOptional(),
})

export const household = z
  .object({
    socWh: energyWh.describe('State of charge, Wh.'),
    nextSlot: z.int().describe('The first slot not settled yet: its start in market time, in lengths of a slot.'),
    totals: z.object({
      loadWh: energyWh,
      solarWh: energyWh,
      boughtWh: energyWh,
      soldWh: energyWh,
      importedWh: energyWh,
      exportedWh: energyWh,
      lossWh: energyWh,
    }),
    reason: z.string().describe('The last decision, in words.'),
  })
  .meta({ id: 'Household', description: 'The battery and what flowed so far.' })

const byState = z.record(z.string(), count).describe('How many are in each state.')

const status = z
  .object({
    peerId,
    did: z.string(),
    name: z.string(),
    roles: z.array(z.enum(['household', 'utility', 'compute'])),
    network: z.string(),
    zone: z.string(),
    version: z.string(),
    home: z.string().describe('Path of the data directory.'),
    startedMs: timeMs,
    nowMs: timeMs,
    addresses: z.array(address),
    marketNowMs: marketTimeMs,
    peers: z.object({ connected: count, known: count, discovered }),
    dhtPeers: count.describe('Peers in the routing table of the directory.'),
    reachability,
    household: household.optional(),
    trading: z.object({ trades: byState, needs: byState, catalogs: count }),
    work: z.object({
      offered: z.boolean().describe('Whether this peer works for others at all.'),
      open: count.describe('Tasks of others on the desk.'),
      running: count,
    }),
    compute: z
      .object({ allowed: z.boolean(), sentence: z.string() })
      .optional()
      .describe('Whether it works for others now, and why; missing where it never does.'),
    journal: z.record(z.string(), count).describe('Messages by direction and state: `in.handled`.'),
    memoryBytes: z.number().describe('Of the whole process.'),
  })
  .meta({ id: 'Status' })

const health = z
  .object({
    keyMode: z.string().describe('Mode of the key file, octal; `missing` when it is gone.'),
    freeBytes: z.number().describe('Left on the disk of the data directory.'),
    nowMs: timeMs,
    addresses: z.array(address),
    listen: z.array(address).describe('Where it was told to listen.'),
    mdns: z.boolean(),
    bootstrap: z.array(address),
    connected: count,
    discovered,
    dhtPeers: count,
    dialBack,
    futureMessages: z.number().describe('Refused as from the future.'),
    staleMessages: z.number().describe('Refused as past their time.'),
  })
  .meta({ id: 'Health' })

export const message = z
  .object({
    seq: z.int().describe('Its place in the journal.'),
    direction: z.enum(['in', 'out']),
    id: messageId,
    type: z.string(),
    taskId: subjectId.describe('What it is about.'),
    peer: peerId.optional().describe('Who sent it, or whom it is for; missing: everybody.'),
    at: timeMs,
    expires: timeMs,
    envelope: z.string().describe('The signed message as JSON; of a bulky or refused one, its frame.'),
    carrier,
    sealed: z.boolean().describe('Whether its payload travelled encrypted.'),
    state: z.enum(['handled', 'pending', 'delivered', 'refused', 'expired']),
    answer: answer.optional(),
    attempts: count,
  })
  .meta({ id: 'Message', description: 'A message of the journal.' })

const cursor = z.string().max(64)

const event = z
  .object({
    id: cursor.describe('Its cursor: what follows it is read with `after`.'),
    atMs: timeMs,
    domain: z.string(),
    event: z.string().describe('In the past tense: `trade.changed`.'),
    data: jsonObject,
  })
  .meta({ id: 'Event', description: 'Something that became true, told after it was kept.' })

const missed = z
  .object({ missed: z.object({ from: cursor, to: cursor }) })
  .meta({ id: 'MissedEvents', description: 'Events that were told and are kept no longer.' })

const reached = z
  .object({ cursor })
  .meta({ id: 'EventCursor', description: 'So far everything was told: at the beginning, and while nothing happens.' })

/** How the daemon is, and what was said. */
export const daemonCommands = commands({
  status: {
    route: 'GET /v1/status',
    scope: 'read',
    says: 'How the daemon is: whom it knows, what it trades, what it works on.',
    input: nothing,
    output: status,
  },
  id: {
    route: 'GET /v1/id',
    scope: 'read',
    says: 'Who this peer is.',
    input: nothing,
    output: z.object({ peerId, did: z.string() }).meta({ id: 'Identity' }),
  },
  counters: {
    route: 'GET /v1/counters',
    scope: 'read',
    says: 'Counters a report needs, by name.',
    input: nothing,
    output: z.record(z.string(), z.number()),
  },
  health: {
    route: 'GET /v1/health',
    scope: 'read',
    says: 'What may keep this peer from working; asks connected peers to dial it.',
    input: nothing,
    output: health,
  },
  metrics: {
    route: 'GET /metrics',
    scope: 'read',
    says: 'All metrics, as Prometheus reads them.',
    input: nothing,
    output: z.string(),
    contentType: 'text/plain; version=0.0.4',
  },
  messages: {
    route: 'GET /v1/messages',
    scope: 'admin',
    says: 'Messages of the journal, the oldest first: the newest of them, or those that follow one.',
    input: page.extend({
      after: z.int().min(0).optional().describe('Only what follows this place in the journal.'),
      task: word.describe('What they are about.'),
      type: word.describe('A type, or a pattern of types: `beckn.*`.'),
      peer: word,
    }),
    output: z.array(message),
  },
  events: {
    route: 'GET /v1/events',
    scope: 'read',
    says: 'What becomes true here, line by line as it does: from now on, or from a cursor on.',
    input: z.object({
      after: cursor.optional().describe('A cursor; what was told after it comes first.'),
      event: word.describe('A name, or a pattern of names: `trade.*`.'),
    }),
    output: z.union([event, missed, reached]),
    stream: true,
  },
  report: {
    route: 'GET /v1/report',
    scope: 'read',
    says: 'What happened here, as JSON and as one page that needs no network.',
    input: nothing,
    output: z
      .object({ json: z.string().describe('JSON text.'), html: z.string().describe('A whole page.') })
      .meta({ id: 'Report' }),
  },
})

export type StatusAnswer = Shape<typeof daemonCommands.status.output>
export type HealthAnswer = Shape<typeof daemonCommands.health.output>
export type MessageAnswer = Shape<typeof message>

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Commands } from '../commands.ts'
import type { JobRequest } from '../domains/tasks/queue/intake.ts'
import { CURTAILMENT_REASONS } from '../domains/trading/trade.ts'
import { CodedError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { ApiCode } from './api-error.ts'
import { endedWithReason } from './broken-off.ts'
import { addKnowledge } from './knowledge-routes.ts'

const id = z.object({ id: z.string().max(128) })
const atMost = z.coerce.number().int().min(1).max(1_000_000).default(100)
const page = z.object({ limit: atMost })
const word = z.string().max(128).optional()
const filter = z.object({
  after: z.coerce.number().int().min(0).optional(),
  limit: atMost,
  task: word,
  type: word,
  peer: word,
})
const energyWh = z.int('whole watt hours').min(1).max(1_000_000_000)
const price = z.int('whole millionths').min(0).optional()
/** In market time. */
const slotStartMs = z.int('whole milliseconds').min(0).optional()
const buy = z.strictObject({ energyWh, maxPriceMicro: price, slotStartMs })
/** Of the 16 offers a catalog has, some are left to what the household offers by itself. */
const slots = z.int().min(1).max(12, 'at most 12 in a row').optional()
const sell = z.strictObject({ energyWh, priceMicro: price, slotStartMs, slots })
const cancel = z.strictObject({ try: z.boolean().optional() })
const reduce = z.strictObject({ energyWh })
const curtail = z.strictObject({ energyWh: z.int().min(0).max(1_000_000_000), reason: z.enum(CURTAILMENT_REASONS) })
const rate = z.strictObject({ stars: z.int().min(1).max(5), words: z.string().max(280).optional() })
const pause = z.strictObject({ forMs: z.int().min(1) })
const counterparty = z.strictObject({ peer: z.string().max(128) })
const paid = z.strictObject({ peer: z.string().max(128), micro: z.int().min(1) })
const connect = z.strictObject({ address: z.string().min(1).max(1024) })
const submit = z.strictObject({
  kind: z.string().max(64),
  params: z.record(z.string(), z.json()).default({}),
  documents: z
    .array(z.strictObject({ name: z.string().max(1024), text: z.string() }))
    .min(1)
    .max(10_000),
  priority: z.int().min(-100).max(100).optional(),
  deadlineMs: z.int().min(0).optional(),
  needs: z.strictObject({ memoryMb: z.int().min(0).optional(), fingerprint: word, engine: word }).optional(),
  privacy: z.enum(['public', 'private']).optional(),
  peers: z.array(z.string().max(128)).max(256).optional(),
  after: z.array(z.string().max(128)).max(64).optional(),
  key: word,
  verify: z.enum(['none', 'adaptive']).optional(),
})
const part = z.object({
  limit: z.coerce.number().int().min(0).max(100_000).optional(),
  offset: z.coerce.number().int().min(0).optional(),
})

/** A route for everything a person or program may ask of the daemon; the answers are those of `Commands`. */
export function addRoutes(server: FastifyInstance, commands: Commands, log: Log): void {
  server.get('/v1/status', () => commands.status())
  server.get('/v1/id', async () => commands.id())
  server.get('/v1/counters', () => commands.counters())
  server.get('/v1/health', () => commands.health())
  server.get('/metrics', async (_, reply) => {
    reply.type('text/plain; version=0.0.4')
    return commands.metrics()
  })
  addPeers(server, commands)
  addTrading(server, commands)
  addTradeChanges(server, commands)
  addBooks(server, commands)
  addTasks(server, commands, log)
  addCompute(server, commands)
  addKnowledge(server, commands.library)
}

function addPeers(server: FastifyInstance, commands: Commands): void {
  server.get('/v1/peers', async () => commands.peers())
  server.post('/v1/peers/connect', async ({ body }) => {
    await commands.connect(connect.parse(body).address)
    return {}
  })
  server.get('/v1/messages', async ({ query }) => {
    const { after, limit, task, type, peer } = filter.parse(query)
    return commands.messages({
      limit,
      ...(after === undefined ? {} : { afterSeq: after }),
      ...(task === undefined ? {} : { taskId: task }),
      ...(type === undefined ? {} : { type }),
      ...(peer === undefined ? {} : { peer }),
    })
  })
}

function addTrading(server: FastifyInstance, commands: Commands): void {
  server.get('/v1/catalogs', async () => commands.catalogs())
  server.get('/v1/trades', async ({ query }) => commands.trades(page.parse(query).limit))
  server.get('/v1/trades/:id', async ({ params }) => found('trade', id.parse(params).id, commands.signedTrade))
  server.get('/v1/needs', async ({ query }) => commands.needs(page.parse(query).limit))
  server.get('/v1/needs/:id', async ({ params }) => found('need', id.parse(params).id, commands.need))
  server.post('/v1/buy', ({ body }) => commands.buy(buy.parse(body)))
  server.post('/v1/sell', ({ body }) => commands.sell(sell.parse(body)))
  server.get('/v1/needs/:id/trades', async ({ params }) => commands.tradesOfNeed(id.parse(params).id))
  server.post('/v1/withdraw', async () => done(commands.withdraw()))
  server.post('/v1/market/open', async () => {
    commands.openMarket()
    return {}
  })
  server.post('/v1/market/close', async () => {
    commands.closeMarket()
    return {}
  })
}

function addTradeChanges(server: FastifyInstance, commands: Commands): void {
  server.post('/v1/trades/:id/cancel', async ({ params, body }) => {
    const { id: trade } = id.parse(params)
    return cancel.parse(body ?? {}).try === true ? commands.cancelTerms(trade) : done(commands.cancelTrade(trade))
  })
  server.post('/v1/trades/:id/reduce', async ({ params, body }) =>
    done(commands.reduceTrade(id.parse(params).id, reduce.parse(body).energyWh)),
  )
  server.post('/v1/trades/:id/curtail', async ({ params, body }) =>
    done(commands.curtailTrade(id.parse(params).id, curtail.parse(body))),
  )
  server.post('/v1/trades/:id/rate', async ({ params, body }) =>
    done(commands.rateTrade(id.parse(params).id, rate.parse(body))),
  )
  server.post('/v1/trades/:id/track', async ({ params }) => done(commands.trackTrade(id.parse(params).id)))
  server.post('/v1/trades/:id/support', async ({ params }) => done(commands.askSupport(id.parse(params).id)))
}

function addBooks(server: FastifyInstance, commands: Commands): void {
  server.get('/v1/ledger', async ({ query }) => commands.ledger(page.parse(query).limit))
  server.post('/v1/ledger/net', async ({ body }) => done(commands.netWith(counterparty.parse(body).peer)))
  server.post('/v1/ledger/paid', async ({ body }) => {
    const { peer, micro } = paid.parse(body)
    return done(commands.paid(peer, micro))
  })
  server.get('/v1/receipts', async ({ query }) => commands.receipts(page.parse(query).limit))
  server.get('/v1/decisions', async ({ query }) => commands.decisions(page.parse(query).limit))
  server.get('/v1/household/slots', async ({ query }) => commands.slots(page.parse(query).limit))
  server.get('/v1/household/readings', async ({ query }) => commands.readings(page.parse(query).limit))
  server.get('/v1/utility/soc', async () => commands.soc())
  server.get('/v1/report', () => commands.report())
}

function addCompute(server: FastifyInstance, commands: Commands): void {
  server.get('/v1/compute', async () => commands.compute())
  server.post('/v1/compute/pause', ({ body }) => commands.pauseCompute(pause.parse(body).forMs))
  server.post('/v1/compute/resume', () => commands.resumeCompute())
  server.get('/v1/compute/reputation', async () => commands.reputations())
}

/** What was done has no more to say. */
async function done(work: Promise<void>): Promise<object> {
  await work
  return {}
}

function addTasks(server: FastifyInstance, commands: Commands, log: Log): void {
  server.post('/v1/jobs', ({ body }) => commands.submit(submit.parse(body) as unknown as JobRequest))
  server.get('/v1/jobs', async ({ query }) => commands.jobs(page.parse(query).limit))
  server.get('/v1/jobs/:id', async ({ params, query }) =>
    found('job', id.parse(params).id, key => commands.job(key, part.parse(query))),
  )
  server.get('/v1/jobs/:id/progress', async ({ params }) => found('job', id.parse(params).id, commands.jobProgress))
  server.get('/v1/jobs/:id/receipts', async ({ params }) => commands.workReceipts(id.parse(params).id))
  server.get('/v1/jobs/:id/result', async ({ params }, reply) => {
    reply.type('application/x-ndjson')
    return reply.send(Readable.from(endedWithReason(commands.result(id.parse(params).id), log)))
  })
  server.post('/v1/jobs/:id/retry', async ({ params }) => {
    await commands.retryJob(id.parse(params).id)
    return {}
  })
  server.post('/v1/jobs/:id/cancel', async ({ params }) => {
    await commands.cancelJob(id.parse(params).id)
    return {}
  })
}

function found<T>(what: string, key: string, find: (key: string) => T | undefined): T {
  const thing = find(key)
  if (thing === undefined) throw new CodedError<ApiCode>('API_NOT_FOUND', `no ${what} ${key} here`)
  return thing
}

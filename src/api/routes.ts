import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Commands } from '../commands.ts'
import { CodedError } from '../kernel/errors.ts'
import type { ApiCode } from './api-error.ts'

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
const buy = z.strictObject({ energyWh, maxPriceMicro: price })
const sell = z.strictObject({ energyWh, priceMicro: price })
const connect = z.strictObject({ address: z.string().min(1).max(1024) })
const submit = z.strictObject({
  kind: z.string().max(64),
  params: z.record(z.string(), z.json()).default({}),
  documents: z
    .array(z.strictObject({ name: z.string().max(1024), text: z.string() }))
    .min(1)
    .max(10_000),
})

/** A route for everything a person or program may ask of the daemon; the answers are those of `Commands`. */
export function addRoutes(server: FastifyInstance, commands: Commands): void {
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
  addTasks(server, commands)
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
  server.get('/v1/trades/:id', async ({ params }) => found('trade', id.parse(params).id, commands.trade))
  server.get('/v1/needs', async ({ query }) => commands.needs(page.parse(query).limit))
  server.get('/v1/needs/:id', async ({ params }) => found('need', id.parse(params).id, commands.need))
  server.post('/v1/buy', ({ body }) => {
    const { energyWh, maxPriceMicro } = buy.parse(body)
    return commands.buy({ energyWh, ...(maxPriceMicro === undefined ? {} : { maxPriceMicro }) })
  })
  server.post('/v1/sell', ({ body }) => {
    const { energyWh, priceMicro } = sell.parse(body)
    return commands.sell({ energyWh, ...(priceMicro === undefined ? {} : { priceMicro }) })
  })
  server.post('/v1/trades/:id/cancel', async ({ params }) => {
    await commands.cancelTrade(id.parse(params).id)
    return {}
  })
  server.post('/v1/market/open', async () => {
    commands.openMarket()
    return {}
  })
  server.post('/v1/market/close', async () => {
    commands.closeMarket()
    return {}
  })
}

function addTasks(server: FastifyInstance, commands: Commands): void {
  server.post('/v1/jobs', ({ body }) => {
    const { kind, params, documents } = submit.parse(body)
    return commands.submit({ kind, params, documents })
  })
  server.get('/v1/jobs', async ({ query }) => commands.jobs(page.parse(query).limit))
  server.get('/v1/jobs/:id', async ({ params }) => found('job', id.parse(params).id, commands.job))
  server.get('/v1/jobs/:id/result', async ({ params }) => commands.result(id.parse(params).id))
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

import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, test } from 'vitest'
import { createApi } from '../../src/api/api.ts'
import { openClient } from '../../src/api/client.ts'
import { openApiOf } from '../../src/api/openapi.ts'
import { type Commands, routeOf, schemaOf } from '../../src/daemon/command.ts'
import { daemonCommands, household, message } from '../../src/daemon/commands.ts'
import type { Served } from '../../src/daemon/served.ts'
import { agentsCommands } from '../../src/domains/agents/commands.ts'
import { batch, booksCommands, receipt } from '../../src/domains/books/commands.ts'
import type { LedgerBatch } from '../../src/domains/books/ledger.ts'
import { energyCommands } from '../../src/domains/energy/commands.ts'
import type { HouseholdState } from '../../src/domains/energy/household.ts'
import { knowledgeCommands } from '../../src/domains/knowledge/commands.ts'
import { mannersCommands } from '../../src/domains/manners/commands.ts'
import { peer, peersCommands } from '../../src/domains/peers/commands.ts'
import { tasksCommands } from '../../src/domains/tasks/commands.ts'
import { tradingCommands } from '../../src/domains/trading/commands.ts'
import type { PeerView } from '../../src/kernel/connection.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Reachability } from '../../src/network/network.ts'
import type { Receipt } from '../../src/protocol/contract.ts'
import type { MessageRow } from '../../src/storage/messages.ts'
import { scratch } from '../support/storm.ts'
import { CATALOG, NEED } from '../support/whole-answers.ts'

const TABLES: Readonly<Record<string, Commands>> = {
  daemon: daemonCommands,
  peers: peersCommands,
  energy: energyCommands,
  books: booksCommands,
  trading: tradingCommands,
  tasks: tasksCommands,
  knowledge: knowledgeCommands,
  agents: agentsCommands,
  manners: mannersCommands,
}

/** Programs of others ask by these: they stay. */
const ROUTES = [
  'GET /metrics',
  'GET /v1/catalogs',
  'GET /v1/collections',
  'GET /v1/compute',
  'GET /v1/compute/reputation',
  'GET /v1/counters',
  'GET /v1/decisions',
  'GET /v1/events',
  'GET /v1/health',
  'GET /v1/household/readings',
  'GET /v1/household/slots',
  'GET /v1/id',
  'GET /v1/ingest/:id',
  'GET /v1/jobs',
  'GET /v1/jobs/:id',
  'GET /v1/jobs/:id/progress',
  'GET /v1/jobs/:id/receipts',
  'GET /v1/jobs/:id/result',
  'GET /v1/ledger',
  'GET /v1/messages',
  'GET /v1/needs',
  'GET /v1/needs/:id',
  'GET /v1/needs/:id/trades',
  'GET /v1/peers',
  'GET /v1/receipts',
  'GET /v1/report',
  'GET /v1/status',
  'GET /v1/trades',
  'GET /v1/trades/:id',
  'GET /v1/utility/soc',
  'POST /v1/ask',
  'POST /v1/buy',
  'POST /v1/collections/:name/remove',
  'POST /v1/collections/:name/share',
  'POST /v1/compute/pause',
  'POST /v1/compute/resume',
  'POST /v1/ingest',
  'POST /v1/ingest/:id/cancel',
  'POST /v1/jobs',
  'POST /v1/jobs/:id/cancel',
  'POST /v1/jobs/:id/retry',
  'POST /v1/ledger/net',
  'POST /v1/ledger/paid',
  'POST /v1/market/close',
  'POST /v1/market/open',
  'POST /v1/peers/connect',
  'POST /v1/sell',
  'POST /v1/trades/:id/cancel',
  'POST /v1/trades/:id/curtail',
  'POST /v1/trades/:id/rate',
  'POST /v1/trades/:id/reduce',
  'POST /v1/trades/:id/support',
  'POST /v1/trades/:id/track',
  'POST /v1/withdraw',
]

/** What a command was run with. */
type Ran = [name: string, input: unknown]

/** Every command, each answering with what is given for it, or with nothing. */
function everything(answers: Readonly<Record<string, unknown>> = {}) {
  const ran: Ran[] = []
  const served = Object.entries(TABLES).map(([name, commands]): Served => {
    const run = Object.keys(commands).map(key => {
      const act = (input: unknown): unknown => {
        ran.push([`${name}.${key}`, input])
        const answer = answers[`${name}.${key}`] ?? {}
        if (answer instanceof Error) throw answer
        return answer
      }
      return [key, act] as const
    })
    return { name, commands, run: Object.fromEntries(run) }
  })
  return { served, ran }
}

/** An API in front of all commands, and a way to ask it without a client. */
async function openDoor(answers: Readonly<Record<string, unknown>> = {}) {
  const folder = scratch()
  const home = folder.path('.')
  const { served, ran } = everything(answers)
  const api = createApi({ home, port: 0, pid: 1, served, ready: () => true, log: silentLog })
  await api.start()
  const { token } = JSON.parse(readFileSync(folder.path('api.json'), 'utf8')) as { token: string }
  return {
    home,
    ran,
    async ask(method: string, path: string, body?: string) {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      }
      const response = await fetch(`http://127.0.0.1:${api.port()}${path}`, { method, headers, body: body ?? null })
      const text = await response.text()
      return { status: response.status, type: response.headers.get('content-type'), text }
    },
    async [Symbol.asyncDispose]() {
      await api.stop()
      folder[Symbol.dispose]()
    },
  }
}

test('the routes are those that programs know', () => {
  const routes = Object.values(TABLES).flatMap(table => Object.values(table).map(({ route }) => route))
  expect(routes.toSorted()).toEqual(ROUTES)
})

test('every route leads to its command', async () => {
  await using door = await openDoor({ 'daemon.metrics': '', 'tasks.result': Readable.from([]) })
  for (const [name, table] of Object.entries(TABLES)) {
    for (const [key, command] of Object.entries(table)) {
      const { method, path } = routeOf(command)
      const { status } = await door.ask(method, path.replaceAll(/:\w+/g, 'x'), method === 'POST' ? '{}' : undefined)
      // What needs more than an empty body refuses it: nobody else does.
      if (status !== 400) expect(door.ran.at(-1)?.[0]).toBe(`${name}.${key}`)
      expect([200, 400]).toContain(status)
    }
  }
  expect((await door.ask('GET', '/v1/nothing')).status).toBe(404)
})

test.each([
  ['GET', '/v1/trades', undefined, { limit: 100 }],
  ['GET', '/v1/trades?limit=7&other=1', undefined, { limit: 7 }],
  ['GET', '/v1/jobs/j?limit=0', undefined, { id: 'j', limit: 0 }],
  ['GET', '/v1/messages?after=0&type=task.*', undefined, { limit: 100, after: 0, type: 'task.*' }],
  ['POST', '/v1/buy', '{"energyWh":5}', { energyWh: 5 }],
  ['POST', '/v1/trades/a%2Fb/cancel', undefined, { id: 'a/b' }],
  ['POST', '/v1/trades/t/cancel', '{"try":true}', { id: 't', try: true }],
  ['POST', '/v1/withdraw', '{"whatever":1}', {}],
  ['POST', '/v1/ask', '{"question":"q"}', { question: 'q', top: 5, local: false }],
])('%s %s %s reaches its command as %o', async (method, path, body, input) => {
  await using door = await openDoor()
  await door.ask(method, path, body)
  expect(door.ran).toEqual([[expect.anything(), input]])
})

test.each([
  ['GET', '/v1/trades?limit=abc', undefined, 'limit: Invalid input: expected number, received NaN'],
  ['GET', '/v1/trades?limit=0', undefined, 'limit: Too small: expected number to be >=1'],
  ['GET', `/v1/messages?peer=${'x'.repeat(129)}`, undefined, 'peer: Too big: expected string to have <=128 characters'],
  ['POST', '/v1/buy', '{"energyWh":0.5}', 'energyWh: whole watt hours'],
  ['POST', '/v1/buy', '{"energyWh":5,"extra":1}', 'the request: Unrecognized key: "extra"'],
  ['POST', '/v1/buy', undefined, 'the request: Invalid input: expected object, received undefined'],
  ['POST', '/v1/trades/t/reduce', '{"energyWh":5,"id":"u"}', 'the request: Unrecognized key: "id"'],
  ['POST', '/v1/sell', '{"energyWh":5,"slots":13}', 'slots: at most 12 in a row'],
  ['POST', '/v1/ingest', '{"paths":["a"],"collection":"c"}', 'paths.0: an absolute path'],
])('%s %s %s is refused: %s', async (method, path, body, message) => {
  await using door = await openDoor()
  const { status, text } = await door.ask(method, path, body)
  expect([status, JSON.parse(text)]).toEqual([400, { code: 'API_BAD_REQUEST', message }])
  expect(door.ran).toEqual([])
})

test('metrics are text, and a refusal of a domain keeps its code, message and hint', async () => {
  const refusal = new CodedError('TRADE_NO_SLOT', 'no such slot', { hint: 'the next begins soon' })
  await using door = await openDoor({ 'daemon.metrics': 'up 1\n', 'trading.buy': refusal })
  expect(await door.ask('GET', '/metrics')).toEqual({
    status: 200,
    type: 'text/plain; version=0.0.4',
    text: 'up 1\n',
  })
  const client = openClient(door.home)
  expect(await client.of(daemonCommands).metrics()).toBe('up 1\n')
  await expect(client.of(tradingCommands).buy({ energyWh: 1 })).rejects.toMatchObject({
    code: 'TRADE_NO_SLOT',
    message: 'no such slot',
    hint: 'the next begins soon',
  })
})

test('the client puts each field where the route has it, and reads the answer by its schema', async () => {
  const entries = async function* () {
    yield { document: 'a', index: 0, start: 0, other: [1] }
    yield { document: 'b', result: { terms: [] } }
  }
  await using door = await openDoor({
    'trading.needs': [NEED],
    'trading.buy': { ...NEED, news: 'of a later version' },
    'trading.cancel': { feeMicro: 3, untilMs: 4 },
    'trading.sell': { ...CATALOG, offers: 'none' },
    'tasks.result': entries(),
  })
  const client = openClient(door.home)
  const trading = client.of(tradingCommands)
  expect(await trading.needs({ limit: 3 })).toEqual([NEED])
  expect(await trading.buy({ energyWh: 500 })).toEqual(NEED)
  expect(await trading.cancel({ id: 'a/b ?', try: true })).toEqual({ feeMicro: 3, untilMs: 4 })
  expect(await trading.track({ id: 't' })).toEqual({})
  await expect(trading.sell({ energyWh: 1 })).rejects.toMatchObject({
    code: 'API_BROKEN',
    message: expect.stringContaining('offers'),
  })
  const lines: unknown[] = []
  for await (const line of client.of(tasksCommands).result({ id: 'j' })) lines.push(line)
  expect(lines).toEqual([
    { document: 'a', index: 0, start: 0, other: [1] },
    { document: 'b', result: { terms: [] } },
  ])
  expect(door.ran).toEqual([
    ['trading.needs', { limit: 3 }],
    ['trading.buy', { energyWh: 500 }],
    ['trading.cancel', { id: 'a/b ?', try: true }],
    ['trading.track', { id: 't' }],
    ['trading.sell', { energyWh: 1 }],
    ['tasks.result', { id: 'j' }],
  ])
})

test('who does not want an answer any more need not wait for it', async () => {
  await using door = await openDoor({ 'daemon.report': new Promise(() => undefined) })
  const asking = new AbortController()
  const asked = openClient(door.home).of(daemonCommands).report({}, { signal: asking.signal })
  const reason = new Error('enough')
  asking.abort(reason)
  await expect(asked).rejects.toBe(reason)
})

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

/** What a linter finds wrong with the text of a document. */
async function problemsOf(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended-strict'] })
  const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config })
  return problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)
}

test('the document of the API has no error that a linter finds, and one that is there it finds', async () => {
  await using door = await openDoor()
  const { status, text } = await door.ask('GET', '/v1/openapi.json')
  expect(status).toBe(200)
  expect(await problemsOf(text)).toEqual([])
  expect(await problemsOf(text.replace('"operationId":"trading.buy"', '"operationId":"trading.sell"'))).not.toEqual([])
  expect(await problemsOf(text.replace('#/components/schemas/Trade"', '#/components/schemas/None"'))).not.toEqual([])
})

test('every command stands in the document, with what it takes, what it tells and who may', () => {
  const { served } = everything()
  const document: OpenApi = JSON.parse(JSON.stringify(openApiOf(served)))
  for (const [name, table] of Object.entries(TABLES)) {
    for (const [key, command] of Object.entries(table)) {
      const { method, path } = routeOf(command)
      const operation = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
      expect(operation).toMatchObject({
        operationId: `${name}.${key}`,
        summary: command.says,
        'x-scope': command.scope,
        responses: { 200: { content: expect.anything() }, '4XX': expect.anything(), '5XX': expect.anything() },
      })
    }
  }
  expect(document.paths['/v1/buy']?.['post']).toMatchObject({
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { required: ['energyWh'], additionalProperties: false } } },
    },
    responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Need' } } } } },
  })
  expect(document.paths['/v1/jobs/{id}/result']?.['get']).toMatchObject({
    parameters: [{ name: 'id', in: 'path', required: true }],
    responses: { 200: { content: { 'application/x-ndjson': { schema: expect.anything() } } } },
  })
  const named = Object.keys(document.components.schemas)
  expect(named).toEqual(expect.arrayContaining(['Trade', 'Need', 'Status', 'JobView', 'Json', 'Error']))
  expect(named.filter(name => name.startsWith('__'))).toEqual([])
})

test('schemas that may not import the type they tell say the same, or this does not compile', () => {
  const { reachability } = daemonCommands.status.output.shape
  const { connected } = peer.shape
  expect([
    schemaOf<HouseholdState>()(household),
    schemaOf<MessageRow>()(message),
    schemaOf<Reachability>()(reachability),
    schemaOf<PeerView>()(connected.unwrap()),
    schemaOf<LedgerBatch>()(batch),
    schemaOf<Receipt>()(receipt),
  ]).toHaveLength(6)
})

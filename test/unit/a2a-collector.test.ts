import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { agentCard } from '../../src/domains/agents/card.ts'
import { decodeRequest, encodeAnswer } from '../../src/domains/agents/frame.ts'
import { createAgent } from '../../src/domains/agents/household/agent.ts'
import { socSeries } from '../../src/domains/agents/soc/series.ts'
import { type Client, createClient } from '../../src/domains/agents/utility/client.ts'
import { CONCURRENCY, createCollector, roundTiming } from '../../src/domains/agents/utility/collector.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { fakeClock, turn } from '../support/fake-clock.ts'
import { OPEN, SLOT, socMemory } from '../support/soc-memory.ts'

const never = new AbortController().signal
const street = (count: number): PeerId[] => Array.from({ length: count }, (_, i) => `12D3KooWhome${i}` as PeerId)
const answered = { outcome: 'answered', soc: { socWh: 5_000, slot: SLOT } } as const

function collector(ask: Client['ask'], timing = { spreadMs: 60_000, deadlineMs: 150_000, requestTimeoutMs: 10_000 }) {
  const clock = fakeClock()
  const client: Client = { ask, keepOnly: () => {} }
  return { clock, ...createCollector({ client, store: socMemory(), timing, clock, random: seededRandom(1) }) }
}

test('a round spreads its questions over its time', async () => {
  const askedMs: number[] = []
  const { clock, round } = collector(async () => {
    askedMs.push(clock.now() - startMs)
    return answered
  })
  const startMs = clock.now()
  const done = round(street(50), never)
  await clock.advance(30_000)
  const half = askedMs.length
  await clock.advance(30_000)
  expect(await done).toMatchObject({ asked: 50, answered: 50 })
  expect(half).toBeGreaterThan(10)
  expect(half).toBeLessThan(40)
  expect(Math.max(...askedMs)).toBeGreaterThan(50_000)
  expect(new Set(askedMs).size).toBeGreaterThan(45)
})

test('no more than eight households are asked at a time', async () => {
  let open = 0
  let most = 0
  const waiting: (() => void)[] = []
  const { round } = collector(
    async () => {
      most = Math.max(most, ++open)
      await new Promise<void>(resolve => waiting.push(resolve))
      open -= 1
      return answered
    },
    { spreadMs: 0, deadlineMs: 150_000, requestTimeoutMs: 10_000 },
  )
  const done = round(street(30), never)
  for (let i = 0; i < 30; i++) {
    await turn()
    waiting.shift()?.()
  }
  expect(await done).toMatchObject({ answered: 30 })
  expect(most).toBe(CONCURRENCY)
})

test('at the deadline the round returns what it has, calls off what is under way and asks nobody more', async () => {
  const peers = street(20)
  const underWay: AbortSignal[] = []
  const { clock, round } = collector(
    async (peer, _refused, signal) => {
      underWay.push(signal)
      return peer === peers[0]
        ? answered
        : new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
    { spreadMs: 0, deadlineMs: 5_000, requestTimeoutMs: 60_000 },
  )
  const done = round(peers, never)
  await turn()
  await clock.advance(5_000)
  const result = await done
  expect(result).toMatchObject({ tookMs: 5_000, asked: 20, answered: 1, silent: 19 })
  expect(result.rows.map(({ peer }) => peer)).toEqual(peers)
  await turn()
  expect(underWay).toHaveLength(CONCURRENCY + 1)
  expect(underWay.every(signal => signal.aborted)).toBe(true)
})

test('a stop breaks a round off at once, and leaves no timer behind', async () => {
  const stop = new AbortController()
  const { clock, round } = collector(async () => new Promise<never>(() => {}))
  const done = round(street(3), stop.signal)
  await turn()
  stop.abort()
  expect(await done).toMatchObject({ answered: 0, silent: 3 })
  await turn()
  expect(clock.sleepers()).toBe(0)
})

test('a household given twice is asked once', async () => {
  const asked: PeerId[] = []
  const { clock, round } = collector(async peer => {
    asked.push(peer)
    return answered
  })
  const [home] = street(1) as [PeerId]
  const done = round([home, home], never)
  await clock.advance(60_000)
  expect((await done).rows).toHaveLength(1)
  expect(asked).toEqual([home])
})

test('rounds that follow each other are over before the next begins, down to a scenario’s shortest', () => {
  expect(roundTiming(300_000)).toEqual({ spreadMs: 60_000, deadlineMs: 150_000, requestTimeoutMs: 10_000 })
  expect(roundTiming(333)).toEqual({ spreadMs: 67, deadlineMs: 2_000, requestTimeoutMs: 1_000 })
})

/** A client whose peer answers frames as the test says. */
function clientOf(answer: (path: string, body: string) => object, now = () => 0) {
  const paths: string[] = []
  const client = createClient({
    async send(_peer, bytes) {
      const { path, body } = decodeRequest(bytes)
      paths.push(path)
      return encodeAnswer({ status: 200, headers: {}, body: JSON.stringify(answer(path, body)) })
    },
    now,
    newId: randomUUID,
    timeoutMs: 1_000,
    cardAgeMs: 3_600_000,
    currentSlot: () => SLOT,
  })
  return { client, paths }
}

const [home] = street(1) as [PeerId]
const goodCard = agentCard({ self: home, name: 'home', version: '1', sharesSoc: true })
const taskWith = (task: object) => (path: string, body: string) =>
  path === '/a2a/1'
    ? { jsonrpc: '2.0', id: (JSON.parse(body) as { id: number }).id, result: { task: { id: 't', ...task } } }
    : goodCard
const completed = (data: unknown) =>
  taskWith({ status: { state: 'TASK_STATE_COMPLETED' }, artifacts: [{ artifactId: 'a', parts: [{ data }] }] })

test('an answer that is no state of charge of about now counts as none', async () => {
  const series = socSeries({ socWh: 4_000, slot: SLOT })
  const ask = (answer: (path: string, body: string) => object) => clientOf(answer).client.ask(home, undefined, never)
  expect(await ask(completed(series))).toEqual({ outcome: 'answered', soc: { socWh: 4_000, slot: SLOT } })

  const bad = { code: 'A2A_BAD_ANSWER' }
  await expect(ask(completed({ SOC_END: 4 }))).rejects.toMatchObject(bad)
  const farSlot = { ...SLOT, startMs: SLOT.startMs + 97 * SLOT.durationMs }
  await expect(ask(completed(socSeries({ socWh: 1, slot: farSlot })))).rejects.toMatchObject(bad)
  const otherSlot = { ...SLOT, durationMs: 3_600_000 }
  await expect(ask(completed(socSeries({ socWh: 1, slot: otherSlot })))).rejects.toMatchObject(bad)
  await expect(ask(taskWith({ status: { state: 'TASK_STATE_WORKING' } }))).rejects.toMatchObject(bad)
  await expect(ask(taskWith({}))).rejects.toMatchObject(bad)
  await expect(ask(path => (path === '/a2a/1' ? { jsonrpc: '2.0' } : goodCard))).rejects.toThrow()
})

test('a card that leads elsewhere, or is none, is not followed', async () => {
  const interfaces = [{ ...goodCard.supportedInterfaces[0], url: 'http://127.0.0.1:9/a2a/1' }]
  const astray = clientOf(() => ({ ...goodCard, supportedInterfaces: interfaces }))
  await expect(astray.client.ask(home, undefined, never)).rejects.toMatchObject({ code: 'A2A_WRONG_PEER' })
  expect(astray.paths).toEqual(['/.well-known/agent-card.json'])
  for (const card of [[], { skills: 'all' }, { skills: [{}] }]) {
    await expect(clientOf(() => card).client.ask(home, undefined, never)).rejects.toMatchObject({
      code: 'A2A_BAD_CARD',
    })
  }
})

test('a card is read once while it is fresh, and again after a failure', async () => {
  let broken = false
  const good = completed(socSeries({ socWh: 4_000, slot: SLOT }))
  const { client, paths } = clientOf((path, body) => (broken && path === '/a2a/1' ? {} : good(path, body)))
  await client.ask(home, undefined, never)
  await client.ask(home, undefined, never)
  expect(paths).toEqual(['/.well-known/agent-card.json', '/a2a/1', '/a2a/1'])
  broken = true
  await expect(client.ask(home, undefined, never)).rejects.toThrow()
  broken = false
  await client.ask(home, undefined, never)
  expect(paths.slice(3)).toEqual(['/a2a/1', '/.well-known/agent-card.json', '/a2a/1'])
})

test('the same household under the same card is not asked again after it refused', async () => {
  const { sharesSoc: _, ...household } = { ...OPEN }
  const made = { self: home, name: 'home', version: '1', now: () => 0, newId: randomUUID, household, log: silentLog }
  // It offers and refuses: a household that says one thing on its card and another in its tasks.
  const [offering, refusing] = [createAgent({ ...made, sharesSoc: true }), createAgent({ ...made, sharesSoc: false })]
  let frames = 0
  const client = createClient({
    async send(peer, bytes) {
      frames += 1
      const { path } = decodeRequest(bytes)
      return (await (path === '/a2a/1' ? refusing : offering).answer(bytes, peer)).bytes
    },
    now: () => 0,
    newId: randomUUID,
    timeoutMs: 1_000,
    cardAgeMs: 3_600_000,
    currentSlot: () => SLOT,
  })
  const reply = await client.ask(home, undefined, never)
  if (reply.outcome !== 'refused') throw new Error('a refusal was wanted')
  expect(reply).toMatchObject({ asked: true, reason: expect.stringMatching(/^no consent/) })
  const before = frames
  expect(await client.ask(home, reply.cardHash, never)).toMatchObject({ outcome: 'refused', asked: false })
  expect(frames).toBe(before)
})

test('consent given again is noticed when the card has grown old', async () => {
  let nowMs = 0
  let shares = false
  const good = completed(socSeries({ socWh: 4_000, slot: SLOT }))
  const card = () => agentCard({ self: home, name: 'home', version: '1', sharesSoc: shares })
  const { client, paths } = clientOf(
    (path, body) => (path === '/a2a/1' ? good(path, body) : card()),
    () => nowMs,
  )
  const refused = await client.ask(home, undefined, never)
  if (refused.outcome !== 'refused') throw new Error('a refusal was wanted')
  expect(refused.asked).toBe(false)
  shares = true
  nowMs = 3_599_999
  expect(await client.ask(home, refused.cardHash, never)).toMatchObject({ outcome: 'refused', asked: false })
  expect(paths).toHaveLength(1)
  nowMs = 3_600_000
  expect(await client.ask(home, refused.cardHash, never)).toMatchObject({ outcome: 'answered' })
})

import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { AnyFact } from '../../src/daemon/commit.ts'
import { A_SECOND, BURST } from '../../src/inbox/inbox.ts'
import { createLanes } from '../../src/inbox/lanes.ts'
import { createSeen } from '../../src/inbox/seen.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import type { MessageId, PeerId, SubjectId } from '../../src/kernel/ids.ts'
import { outcome, refused } from '../../src/kernel/outcome.ts'
import { CLOCK_SKEW_MS } from '../../src/protocol/limits.ts'
import type { MessageType } from '../../src/protocol/message-type.ts'
import { topicFor } from '../../src/protocol/topics.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { networkOf } from '../support/memory-network.ts'
import { eventually } from '../support/network-hosts.ts'
import { seedNamed } from '../support/open-domain.ts'
import { NETWORK, openRoad, ZONE } from '../support/road.ts'
import { bytesFrom, identityNamed, keeps, noteType } from '../support/senders.ts'
import { scratch } from '../support/storm.ts'

const sender = identityNamed('sender')
const here = identityNamed('here').peerId

async function receiver(
  handle: MessageType<AnyFact>['handle'],
  more: Partial<MessageType<AnyFact>> = {},
  clock: Clock = systemClock,
) {
  const folder = scratch()
  const road = await openRoad({
    home: folder.path('home'),
    seed: seedNamed('here'),
    transport: async deps => networkOf(deps, { publish: async () => 1 }),
    clock,
    types: noteType(handle, more),
  })
  await road.start()
  const ask = async (fields: Parameters<typeof bytesFrom>[1], by = sender) => {
    const bytes = bytesFrom(by, { to: here, ...fields })
    return (await road.inbox.request({ bytes, carrier: 'stream', from: by.peerId })).answer
  }
  return {
    road,
    ask,
    async [Symbol.asyncDispose]() {
      await road.stop()
      folder[Symbol.dispose]()
    },
  }
}

const idOf = (): MessageId => randomUUID() as MessageId

test('a request sent again gets the stored answer, and its effect happens once', async () => {
  let handled = 0
  await using at = await receiver(() => {
    handled++
    return keeps(`need ${handled}`)
  })
  const again = { id: idOf(), created: Date.now(), expires: Date.now() + 60_000, payload: { n: 1 } }
  expect(await at.ask(again)).toEqual({ status: 'ACK' })
  expect(await at.ask(again)).toEqual({ status: 'ACK' })
  expect(handled).toBe(1)
  expect(at.road.trading.needs(10)).toHaveLength(1)
})

test('a refused request sent again is refused again with the same words, without asking the domain', async () => {
  let handled = 0
  await using at = await receiver(() => refused('BIZ_NO', `refusal ${++handled}`))
  const again = { id: idOf(), created: Date.now(), expires: Date.now() + 60_000 }
  const first = await at.ask(again)
  expect(first).toMatchObject({ status: 'NACK', error: { code: 'BIZ_NO', message: 'refusal 1' } })
  expect(await at.ask(again)).toEqual(first)
})

test('an id used again with other content is refused, and the first stays as it was', async () => {
  await using at = await receiver(({ payload }) => keeps(`need ${JSON.stringify(payload['n'])}`))
  const first = { id: idOf(), created: Date.now(), expires: Date.now() + 60_000, payload: { n: 1 } }
  await at.ask(first)
  expect(await at.ask({ ...first, payload: { n: 2 } })).toMatchObject({ error: { code: 'ENV_ID_REUSED' } })
  // Another peer that takes the same id says something of its own, and takes nothing from the first.
  expect(await at.ask(first, identityNamed('thief'))).toEqual({ status: 'ACK' })
  expect(at.road.trading.needs(10).map(({ id }) => id)).toEqual(['need 1'])
  expect(await at.ask(first)).toEqual({ status: 'ACK' })
})

test('what the road refuses is said in the words of the domain whose message it is', async () => {
  const codes = {
    ENV_ID_REUSED: 'CTX_MESSAGE_ID_DUPLICATE',
    ENV_EXPIRED: 'CTX_TTL_EXPIRED',
    ENV_PAYLOAD: 'SCH_INVALID',
  }
  await using at = await receiver(() => keeps('need'), { codes })
  const first = { id: idOf(), created: Date.now(), expires: Date.now() + 60_000, payload: { n: 1 } }
  await at.ask(first)
  expect(await at.ask({ ...first, payload: { n: 2 } })).toMatchObject({ error: { code: 'CTX_MESSAGE_ID_DUPLICATE' } })
  expect(await at.ask({ payload: { n: 'one' } })).toMatchObject({ error: { code: 'SCH_INVALID' } })
  const hourAgo = Date.now() - 3_600_000
  expect(await at.ask({ created: hourAgo, expires: hourAgo + 1 })).toMatchObject({ error: { code: 'CTX_TTL_EXPIRED' } })
  expect(await at.ask({ network: 'elsewhere' })).toMatchObject({ error: { code: 'ENV_NETWORK' } })
})

test('two copies of a request at the same moment have one effect', async () => {
  let handled = 0
  await using at = await receiver(() => keeps(`need ${++handled}`))
  const again = { id: idOf(), created: Date.now(), expires: Date.now() + 60_000 }
  // Different lanes: only the journal can tell that it is the same message.
  const answers = await Promise.all([at.ask(again), at.ask(again), at.ask({ ...again, task_id: 'other' as SubjectId })])
  expect(answers.map(({ status }) => status)).toEqual(['ACK', 'ACK', 'NACK'])
  expect(at.road.trading.needs(10)).toHaveLength(1)
})

test('a handler that throws costs one message: nothing of it is kept, and the next is handled', async () => {
  await using at = await receiver(({ payload }) => {
    if (payload['n'] === 1) throw new TypeError('a bug')
    return keeps('need 2')
  })
  const bad = { id: idOf(), payload: { n: 1 } }
  expect(await at.ask(bad)).toMatchObject({ error: { code: 'INBOX_FAILED' } })
  expect(at.road.storage.messages.list({ limit: 10 })).toEqual([])
  expect(await at.ask({ payload: { n: 2 } })).toEqual({ status: 'ACK' })
  expect(at.road.trading.needs(10)).toHaveLength(1)
})

test('the messages of one task are handled in the order they came', async () => {
  const order: unknown[] = []
  await using at = await receiver(({ payload }) => {
    order.push(payload['n'])
    return outcome()
  })
  await Promise.all([1, 2, 3, 4, 5].map(n => at.ask({ payload: { n } })))
  expect(order).toEqual([1, 2, 3, 4, 5])
})

test('lanes run one key in order, others beside it, and turn away what is too much', async () => {
  const lanes = createLanes(3)
  const [slow, other] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const done: string[] = []
  const work = (name: string, wait: Promise<void>) => async () => {
    await wait
    done.push(name)
  }
  expect(lanes.enter('a', work('a1', slow.promise))).toBe(true)
  expect(lanes.enter('a', work('a2', Promise.resolve()))).toBe(true)
  expect(lanes.enter('b', work('b1', other.promise))).toBe(true)
  expect(lanes.enter('c', work('c1', Promise.resolve()))).toBe(false)
  other.resolve()
  await other.promise
  await Promise.resolve()
  expect(done).toEqual(['b1'])
  slow.resolve()
  await lanes.idle()
  expect(done).toEqual(['b1', 'a1', 'a2'])
  expect(lanes.size()).toBe(0)
  expect(lanes.enter('c', work('c1', Promise.resolve()))).toBe(true)
  await lanes.idle()
})

test('what must be sealed is refused when it comes open, and nothing is kept', async () => {
  await using at = await receiver(() => keeps('need'), { sealed: true })
  expect(await at.ask({})).toMatchObject({ error: { code: 'ENV_SEALED' } })
  expect(at.road.storage.messages.list({ limit: 10 })).toEqual([])
})

test('a payload that does not fit its type is refused, with the field that does not', async () => {
  await using at = await receiver(() => keeps('need'))
  const answer = await at.ask({ payload: { n: 'one' } })
  expect(answer).toMatchObject({ error: { code: 'ENV_PAYLOAD', message: expect.stringMatching(/^n: /) } })
})

test('gossip seen before is not passed on again, and has one effect', async () => {
  let handled = 0
  await using at = await receiver(() => keeps(`need ${++handled}`))
  const bytes = bytesFrom(sender, {})
  const topic = topicFor('orders', 'zone', { network: NETWORK, zone: ZONE })
  expect(await at.road.arrives.gossip(topic, bytes, sender.peerId)).toBe('accept')
  await at.road.inbox.idle()
  expect(await at.road.arrives.gossip(topic, bytes, sender.peerId)).toBe('ignore')
  expect(at.road.trading.needs(10)).toHaveLength(1)
})

test('a message is remembered as long as it could be replayed, and no longer', async () => {
  const clock = fakeClock()
  const seen = createSeen(clock)
  const message = { sender_id: 'peer' as PeerId, id: 'id' as MessageId, expires: clock.now() + 1_000 }
  seen.add(message)
  await clock.advance(1_000 + CLOCK_SKEW_MS - 1)
  expect(seen.has(message)).toBe(true)
  expect(seen.has({ ...message, sender_id: 'another' as PeerId })).toBe(false)
  await clock.advance(2)
  // The cache reads its clock at most once a millisecond of real time.
  await eventually('it is forgotten', () => !seen.has(message))
})

// One after the other, each waits for the disk: on a busy machine that takes its time.
test('a peer that floods is turned away before its domain and the journal, and is heard again after a while', async () => {
  const clock = fakeClock()
  let handled = 0
  await using at = await receiver(() => (handled++ % 2 === 0 ? outcome() : refused('BIZ_NO', 'no')), {}, clock)
  const nowMs = clock.now()
  const ask = (by = sender) => at.ask({ created: nowMs, expires: nowMs + 60_000 }, by)
  const flood = await Promise.all(Array.from({ length: BURST * 3 }, () => ask()))
  const busy = flood.filter(answer => answer.status === 'NACK' && answer.error.code === 'INBOX_BUSY')
  expect(busy).toHaveLength(BURST * 2)
  expect(handled).toBe(BURST)
  expect(at.road.storage.messages.list({ limit: BURST * 3 })).toHaveLength(BURST)
  // Nobody else is held up by it, and what it is owed comes back with time.
  expect(await ask(identityNamed('neighbour'))).toMatchObject({ status: 'ACK' })
  await clock.advance(1_000)
  const later = await Promise.all(Array.from({ length: A_SECOND + 50 }, () => ask()))
  expect(later.filter(answer => answer.status === 'NACK' && answer.error.code === 'INBOX_BUSY')).toHaveLength(50)
}, 60_000)

test('who floods a topic is ignored, and its neighbours who carry it are not blamed', async () => {
  let handled = 0
  const count = () => {
    handled++
    return outcome<AnyFact>()
  }
  const clock = fakeClock()
  await using at = await receiver(count, {}, clock)
  const by = identityNamed('carrier').peerId
  const verdicts = Array.from({ length: BURST + 10 }, () =>
    at.road.inbox.gossip({ bytes: bytesFrom(sender, {}, clock.now()), carrier: 'orders', from: by }),
  )
  await at.road.inbox.idle()
  expect(verdicts.slice(0, BURST).every(verdict => verdict === 'accept')).toBe(true)
  expect(verdicts.slice(BURST)).toEqual(Array.from({ length: 10 }, () => 'ignore'))
  expect(handled).toBe(BURST)
})

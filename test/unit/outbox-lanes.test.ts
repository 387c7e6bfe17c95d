import { expect, test } from 'vitest'
import type { AnyFact } from '../../src/daemon/commit.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { type Answer, type Draft, outcome } from '../../src/kernel/outcome.ts'
import { wire } from '../../src/outbox/wire.ts'
import { answerDraft } from '../../src/protocol/answer.ts'
import { decode } from '../../src/protocol/decode.ts'
import { MAX_STREAM_BYTES } from '../../src/protocol/limits.ts'
import type { MessageType, Undelivered } from '../../src/protocol/message-type.ts'
import { topicFor } from '../../src/protocol/topics.ts'
import { fakeClock, turn } from '../support/fake-clock.ts'
import { networkOf } from '../support/memory-network.ts'
import { eventually } from '../support/network-hosts.ts'
import { seedNamed } from '../support/open-domain.ts'
import { NETWORK, openRoad, type Road, ZONE } from '../support/road.ts'
import { bytesFrom, catalogFact, identityNamed, keeps, noteDraft, noteType, wantedFact } from '../support/senders.ts'
import { scratch } from '../support/storm.ts'

const [alive, dead] = [identityNamed('alive'), identityNamed('dead')]

interface Ask {
  readonly peer: PeerId
  readonly bytes: Uint8Array
}

/** A sender whose network is a function of the test: what it answers, or throws. */
async function sender(
  answer: (ask: Ask) => Answer | Error,
  more: {
    undelivered?: MessageType<AnyFact>['undelivered']
    listeners?: number
    connected?: boolean
    inZone?: boolean
  } = {},
) {
  const folder = scratch()
  const clock = fakeClock()
  const asked: Ask[] = []
  const published: Uint8Array[] = []
  const undelivered: Undelivered[] = []
  const types = noteType(() => outcome(), {
    undelivered: message => {
      undelivered.push(message)
      return more.undelivered?.(message) ?? outcome()
    },
  })
  const road: Road = await openRoad({
    home: folder.path('home'),
    seed: seedNamed('sender'),
    clock,
    random: () => 0.5,
    types,
    inZone: more.inZone ?? true,
    transport: async deps =>
      networkOf(deps, {
        connected: () => (more.connected === true ? [alive.peerId, dead.peerId] : []),
        async publish(_topic, bytes) {
          published.push(bytes)
          return more.listeners ?? 0
        },
        async request(peer, _protocol, bytes) {
          asked.push({ peer, bytes })
          const said = answer({ peer, bytes })
          if (said instanceof Error) throw said
          return await replyTo(bytes, said)
        },
      }),
  })
  async function replyTo(bytes: Uint8Array, said: Answer): Promise<Uint8Array> {
    const question = decode(bytes, MAX_STREAM_BYTES)
    if (!question.ok) throw new Error(question.reason)
    const by = question.envelope.to === dead.peerId ? dead : alive
    const { type, subjectId, payload, to, replyTo: reply_to } = answerDraft(question.envelope, said, STRAIGHT)
    const fields = { type, task_id: subjectId, payload, to, reply_to } as Parameters<typeof bytesFrom>[1]
    return bytesFrom(by, fields, clock.now())
  }
  await road.start()
  const usual = clock.sleepers()
  return {
    road,
    clock,
    /** Whether a lane waits: who else sleeps, sleeps from the start on. */
    waits: () => clock.sleepers() > usual,
    asked,
    published,
    undelivered,
    send: (...drafts: Draft[]) => road.commit(() => outcome<AnyFact>([], drafts)),
    states: () => road.storage.messages.list({ limit: 100 }).map(({ state }) => state),
    replyTo,
    async [Symbol.asyncDispose]() {
      await road.stop()
      folder[Symbol.dispose]()
    },
  }
}

/** How an answer by a stream travels. */
const STRAIGHT = { carrier: 'stream', sealed: false } as const
const ACK: Answer = { status: 'ACK' }
const gone = new Error('nobody there')

/** Committing takes turns of the event loop, sealing a moment of another thread: neither takes time of the clock. */
async function until(condition: () => boolean): Promise<void> {
  await eventually('what was waited for', condition)
}

test('a message is sent again, the same bytes, until it is acknowledged, and then no more', async () => {
  let failures = 3
  await using at = await sender(() => (failures-- > 0 ? gone : ACK))
  await at.send(noteDraft(alive.peerId))
  for (let attempt = 1; attempt <= 3; attempt++) {
    await until(() => at.asked.length === attempt && at.waits())
    expect(at.states()).toEqual(['pending'])
    await at.clock.advance(250 * 2 ** (attempt - 1))
  }
  await until(() => at.states()[0] === 'delivered')
  await at.clock.advance(60_000)
  expect(at.asked).toHaveLength(4)
  expect(new Set(at.asked.map(({ bytes }) => Buffer.from(bytes).toString())).size).toBe(1)
})

test('the waits between attempts grow', async () => {
  await using at = await sender(() => gone)
  await at.send(noteDraft(alive.peerId, { ttlMs: 3_600_000 }))
  const times: number[] = []
  for (let attempt = 1; attempt <= 9; attempt++) {
    await until(() => at.asked.length === attempt && at.waits())
    times.push(at.clock.now())
    while (at.asked.length === attempt) {
      await at.clock.advance(50)
      for (let i = 0; i < 3; i++) await turn()
    }
  }
  const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0))
  const wanted = [250, 500, 1_000, 2_000, 4_000, 7_500, 7_500, 7_500]
  for (const [i, wait] of waits.entries()) expect(Math.abs(wait - (wanted[i] ?? 0)), `wait ${i}`).toBeLessThan(400)
})

test('a message nobody acknowledged in time becomes a dead letter, and its domain is told', async () => {
  await using at = await sender(() => gone, { undelivered: () => keeps('after all') })
  await at.send(noteDraft(dead.peerId, { ttlMs: 5_000 }))
  await until(() => at.asked.length === 1)
  for (let i = 0; i < 30 && at.states()[0] === 'pending'; i++) {
    await at.clock.advance(500)
    for (let n = 0; n < 3; n++) await turn()
  }
  expect(at.states()).toEqual(['expired'])
  expect(at.undelivered).toMatchObject([{ refusal: { code: 'OUTBOX_EXPIRED' } }])
  // What the domain decided is kept together with the dead letter.
  expect(at.road.trading.needs(10).map(({ id }) => id)).toEqual(['after all'])
  expect(await at.road.metrics.total('messages_dead_lettered_total')).toBe(1)
})

test('a refusal ends a message, and its domain hears the code', async () => {
  const nack: Answer = { status: 'NACK', error: { code: 'BIZ_NO', message: 'no' } }
  await using at = await sender(() => nack)
  await at.send(noteDraft(alive.peerId))
  await until(() => at.states()[0] === 'refused')
  await at.clock.advance(60_000)
  expect(at.asked).toHaveLength(1)
  expect(at.undelivered.map(({ refusal }) => refusal.code)).toEqual(['BIZ_NO'])
})

test.each(['INBOX_BUSY', 'INBOX_FAILED'])('the refusal %s means later, not no', async code => {
  let first = true
  await using at = await sender(() => {
    const answer: Answer = first ? { status: 'NACK', error: { code, message: '' } } : ACK
    first = false
    return answer
  })
  await at.send(noteDraft(alive.peerId))
  await until(() => at.asked.length === 1 && at.waits())
  expect(at.states()).toEqual(['pending'])
  await at.clock.advance(1_000)
  await until(() => at.states()[0] === 'delivered')
  expect(at.undelivered).toEqual([])
})

test('one dead peer holds up nobody else, and its messages keep their order', async () => {
  let back = false
  await using at = await sender(({ peer }) => (peer === dead.peerId && !back ? gone : ACK))
  await at.send(noteDraft(dead.peerId, { payload: { n: 1 } }), noteDraft(dead.peerId, { payload: { n: 2 } }))
  await at.send(...Array.from({ length: 10 }, (_, n) => noteDraft(alive.peerId, { payload: { n } })))
  await until(() => at.states().filter(state => state === 'delivered').length === 10)
  expect(at.states().slice(0, 2)).toEqual(['pending', 'pending'])
  await until(() => at.waits())
  // A peer that comes back is not made to wait for the end of a back-off.
  back = true
  at.asked.length = 0
  at.road.outbox.peerConnected(dead.peerId)
  await until(() => at.states().every(state => state === 'delivered'))
  expect(
    at.asked.map(
      ({ bytes }) =>
        Buffer.from(bytes)
          .toString()
          .match(/"n":(\d)/)?.[1],
    ),
  ).toEqual(['1', '2'])
})

test('an answer that is not to the question, or not of the one asked, settles nothing', async () => {
  await using at = await sender(() => gone)
  const network = { from: alive.peerId }
  await at.send(noteDraft(alive.peerId))
  await until(() => at.asked.length === 1)
  const question = decode(at.asked[0]?.bytes ?? Buffer.of(), MAX_STREAM_BYTES)
  if (!question.ok) throw new Error(question.reason)
  // An acknowledgement of somebody else, by gossip.
  const { type, subjectId: task_id, payload, to, replyTo } = answerDraft(question.envelope, ACK, STRAIGHT)
  const fields = { type, task_id, payload, to, reply_to: replyTo } as Parameters<typeof bytesFrom>[1]
  const forged = bytesFrom(dead, fields, at.clock.now())
  await at.road.arrives.gossip(topicFor('orders', 'zone', { network: NETWORK, zone: ZONE }), forged, network.from)
  await at.road.inbox.idle()
  expect(at.states()).toEqual(['pending'])
  const honest = bytesFrom(alive, fields, at.clock.now())
  await at.road.arrives.gossip(topicFor('orders', 'zone', { network: NETWORK, zone: ZONE }), honest, network.from)
  await at.road.inbox.idle()
  expect(at.states()).toEqual(['delivered'])
})

test('an addressed message goes by its topic first, and straight when the topic stays silent', async () => {
  await using at = await sender(() => ACK, { listeners: 3 })
  await at.send(noteDraft(alive.peerId, { carrier: 'orders' }))
  await until(() => at.published.length === 1 && at.waits())
  expect(at.asked).toEqual([])
  await at.clock.advance(1_999)
  expect(at.asked).toEqual([])
  await at.clock.advance(1)
  // The silence counts as a failed attempt or as none: either way it goes straight, soon.
  await at.clock.advance(1_000)
  await until(() => at.states()[0] === 'delivered')
  expect(at.published).toHaveLength(1)
  expect(at.asked).toHaveLength(1)
})

test('an acknowledgement by the topic spares the stream', async () => {
  await using at = await sender(() => ACK, { listeners: 3 })
  await at.send(noteDraft(alive.peerId, { carrier: 'orders' }))
  await until(() => at.published.length === 1 && at.waits())
  const reply = await at.replyTo(at.published[0] ?? Buffer.of(), ACK)
  await at.road.arrives.gossip(topicFor('orders', 'zone', { network: NETWORK, zone: ZONE }), reply, alive.peerId)
  await until(() => at.states()[0] === 'delivered')
  await at.clock.advance(60_000)
  expect(at.asked).toEqual([])
})

test.each([
  { connected: true, by: 'straight', published: 0 },
  { connected: false, by: 'by the topic', published: 1 },
])('an answer to a search goes $by when its recipient is connected: $connected', async ({ connected, published }) => {
  await using at = await sender(() => ACK, { listeners: 3, connected })
  await at.send({ ...noteDraft(alive.peerId, { carrier: 'orders' }), type: 'beckn.on_discover' })
  await until(() => at.published.length + at.asked.length === 1)
  expect(at.published).toHaveLength(published)
})

test('an order goes by its topic even when its recipient is connected', async () => {
  await using at = await sender(() => ACK, { listeners: 3, connected: true })
  await at.send({ ...noteDraft(alive.peerId, { carrier: 'orders' }), type: 'beckn.init' })
  await until(() => at.published.length + at.asked.length === 1)
  expect(at.published).toHaveLength(1)
})

test.each([
  { inZone: false, published: 0 },
  { inZone: true, published: 1 },
])('a topic that does not reach the recipient is not tried: in its zone $inZone', async ({ inZone, published }) => {
  await using at = await sender(() => ACK, { listeners: 3, inZone })
  const slot = { startMs: at.clock.now() + 3_600_000, durationMs: 900_000 }
  await at.road.keep(
    catalogFact({ seller: alive.peerId, offer: { slot, availableWh: 1_000 }, validUntilMs: slot.startMs }),
    wantedFact(alive.peerId, { slot, energyWh: 100 }),
  )
  await until(() => at.published.length + at.asked.length === 1)
  expect(at.road.storage.messages.list({ limit: 10 })).toMatchObject([{ type: 'beckn.select', peer: alive.peerId }])
  expect(at.published).toHaveLength(published)
})

test('a message to everybody waits for a neighbour', async () => {
  await using at = await sender(() => ACK, { listeners: 0 })
  await at.send(noteDraft(undefined, { carrier: 'orders' }))
  await until(() => at.published.length === 1 && at.waits())
  expect(at.states()).toEqual(['pending'])
  await at.clock.advance(300)
  await until(() => at.published.length === 2)
})

test('a domain that throws when it hears of a dead letter costs that message, not the lane', async () => {
  await using at = await sender(({ peer }) => (peer === dead.peerId ? gone : ACK), {
    undelivered: () => {
      throw new TypeError('a bug')
    },
  })
  await at.send(noteDraft(dead.peerId, { ttlMs: 1_000 }), noteDraft(dead.peerId, { ttlMs: 1_000 }))
  await until(() => at.asked.length === 1)
  for (let i = 0; i < 30 && at.states().includes('pending'); i++) {
    await at.clock.advance(500)
    for (let n = 0; n < 3; n++) await turn()
  }
  expect(at.states()).toEqual(['expired', 'expired'])
})

test('dead letters that cannot be kept wait, instead of trying again without a pause', async () => {
  await using at = await sender(() => gone)
  await at.send(noteDraft(dead.peerId, { ttlMs: 1_000 }))
  await until(() => at.asked.length === 1 && at.waits())
  const { storage } = at.road
  let tries = 0
  const finish = storage.messages.finish
  Object.assign(storage.messages, {
    finish: () => {
      tries++
      throw new Error('the disk is full')
    },
  })
  for (let i = 0; i < 6; i++) await at.clock.advance(500)
  for (let i = 0; i < 100; i++) await turn()
  expect(tries).toBeGreaterThan(0)
  expect(tries).toBeLessThan(10)
  Object.assign(storage.messages, { finish })
  for (let i = 0; i < 60 && at.states()[0] === 'pending'; i++) {
    await at.clock.advance(500)
    await turn()
  }
  expect(at.states()).toEqual(['expired'])
})

test('what was pending when the daemon stopped is sent by the next one', async () => {
  using folder = scratch()
  const options = { home: folder.path('home'), seed: seedNamed('sender'), types: noteType(() => outcome()) }
  const first = await openRoad({ ...options, transport: async deps => networkOf(deps, {}) })
  await first.start()
  await first.commit(() => outcome<AnyFact>([], [noteDraft(alive.peerId)]))
  await first.stop()
  const asked: Uint8Array[] = []
  const second = await openRoad({
    ...options,
    transport: async deps =>
      networkOf(deps, {
        request(_peer, _protocol, bytes) {
          asked.push(bytes)
          return Promise.reject(gone)
        },
      }),
  })
  await second.start()
  await until(() => asked.length > 0)
  await second.stop()
})

test('a stop waits for what is on its way, and nothing looks into the journal after it', async () => {
  using folder = scratch()
  const clock = fakeClock()
  const onItsWay = Promise.withResolvers<void>()
  const asked: PeerId[] = []
  const road = await openRoad({
    home: folder.path('home'),
    seed: seedNamed('sender'),
    clock,
    types: noteType(() => outcome()),
    transport: async deps =>
      networkOf(deps, {
        async request(peer) {
          asked.push(peer)
          // To one it takes its time, whoever calls it off; the other is not there, and its lane waits to try again.
          if (peer === alive.peerId) await onItsWay.promise
          throw gone
        },
      }),
  })
  const looks = countedLooks(road)
  await road.start()
  const usual = clock.sleepers()
  await road.commit(() => outcome<AnyFact>([], [noteDraft(alive.peerId), noteDraft(dead.peerId)]))
  await until(() => asked.length === 2 && clock.sleepers() > usual)
  expect(looks.count).toBeGreaterThan(0)

  let stopped = false
  const stop = road.stop().then(() => {
    stopped = true
  })
  for (let i = 0; i < 10; i++) await turn()
  expect(stopped).toBe(false)
  onItsWay.resolve()
  await stop
  looks.count = 0
  await clock.advance(3_600_000)
  road.outbox.wake([noteDraft(alive.peerId)])
  road.outbox.peerConnected(dead.peerId)
  for (let i = 0; i < 10; i++) await turn()
  expect(looks.count).toBe(0)
})

/** Counts how often somebody reads or writes the journal. */
function countedLooks({ storage }: Road): { count: number } {
  const looks = { count: 0 }
  for (const [name, act] of Object.entries(storage.messages)) {
    const counted = (...args: readonly unknown[]): unknown => {
      looks.count++
      return Reflect.apply(act, storage.messages, args)
    }
    Object.assign(storage.messages, { [name]: counted })
  }
  return looks
}

test.each<{ said: Answer; sealed: boolean }>([
  { said: ACK, sealed: false },
  { said: { status: 'ACK', details: { version: 2 } }, sealed: true },
  { said: { status: 'NACK', error: { code: 'BIZ_OUT_OF_STOCK', message: 'sold' } }, sealed: true },
])('the answer to what was sealed is sealed where it says more than its type: $said', ({ said, sealed }) => {
  const question = { id: 'q', task_id: 's', sender_id: 'p' } as Parameters<typeof answerDraft>[0]
  expect(answerDraft(question, said, { carrier: 'orders', sealed: true }).sealed).toBe(sealed)
  expect(answerDraft(question, said, STRAIGHT).sealed).toBe(false)
})

test('the bytes that travel are sealed when they must be', async () => {
  const envelope = JSON.parse(Buffer.from(bytesFrom(alive, { to: dead.peerId, payload: { price: 1 } })).toString())
  const { signature: _, ...unsigned } = envelope
  expect(Buffer.from(await wire(unsigned, false, alive)).toString()).toContain('price')
  expect(Buffer.from(await wire(unsigned, true, alive)).toString()).not.toContain('price')
})

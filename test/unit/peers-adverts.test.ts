import { expect, test } from 'vitest'
import { ADVERT } from '../../src/domains/peers/adverts.ts'
import { peersDomain } from '../../src/domains/peers/peers.ts'
import { asWorker } from '../../src/domains/tasks/placement.ts'
import type { PeerView } from '../../src/kernel/connection.ts'
import type { Draft, JsonObject } from '../../src/kernel/outcome.ts'
import { decode } from '../../src/protocol/decode.ts'
import { fakeClock, turn } from '../support/fake-clock.ts'
import { openPeer } from '../support/open-domain.ts'
import { bytesFrom, identityNamed } from '../support/senders.ts'
import { ticking } from '../support/ticking.ts'

/** What a version said that knew no models, availability or price. */
const FORMER = { name: 'ann', roles: ['compute'], zone: 'z', version: '0.0.9', kinds: ['embed@1'], slots: 4 }
const ANN = identityNamed('ann')
const ann = ANN.peerId
const HERE: PeerView = {
  peer: ann,
  addresses: [],
  direction: 'inbound',
  sinceMs: 0,
  relayed: false,
  latencyMs: 3,
}

/** A peer to which Ann is connected, and what it posts. */
function open(clock = fakeClock()) {
  const peer = openPeer({ name: 'me', clock })
  const said: Draft[] = []
  const domain = peer.addNow(peersDomain, {
    version: '0',
    advert: peer.registry.advert,
    connected: () => [HERE],
    connect: async () => undefined,
    post: draft => void said.push(draft),
  })
  return { peer, domain, said }
}

/** The peers that work on a kind, after this advert was heard. */
function workersAfter(advert: JsonObject) {
  const { peer, domain } = open()
  using _ = peer
  const row = domain.messages.get(ADVERT) ?? expect.fail('no row for adverts')
  if (row.payload.safeParse(advert).success) {
    const nowMs = peer.clock.now()
    const decoded = decode(bytesFrom(ANN, { type: ADVERT, payload: advert }, nowMs), 2 ** 20)
    if (!decoded.ok) return expect.fail(decoded.reason)
    domain.keep(row.handle(decoded.envelope, decoded.envelope.payload))
  }
  return domain.gives.workers('embed@1').map(asWorker)
}

test('the advert of a former version, in our book or just said, is that of a worker who may have any model', () => {
  expect(workersAfter(FORMER)).toEqual([{ peer: ann, slots: 4, latencyMs: 3 }])
})

test('what an advert says of models and availability is known of its worker', () => {
  const said = { ...FORMER, models: ['f'], availability: 'limited', priceClass: 3 }
  const worker = { peer: ann, slots: 4, latencyMs: 3, availability: 'limited' }
  expect(workersAfter(said)).toEqual([{ ...worker, models: ['f'] }])
  expect(workersAfter({ ...said, models: [] })).toEqual([worker])
})

test('a peer says who it is at its start and soon again, for the first may have been said to nobody', async () => {
  const clock = fakeClock()
  const { peer, domain, said } = open(clock)
  using _ = peer
  await using __ = ticking(peer, { name: 'peers', rounds: domain.rounds })
  await turn()
  const saidAfter = async (ms: number): Promise<number> => {
    await clock.advance(ms)
    return said.length
  }
  expect(said.length).toBe(1)
  expect(await saidAfter(1_999)).toBe(1)
  expect(await saidAfter(1)).toBe(2)
  expect(await saidAfter(8_000)).toBe(3)
  expect(await saidAfter(50_000)).toBe(4)
})

test('what is said anew in between takes none of the early repeats away', async () => {
  const clock = fakeClock()
  const { peer, domain, said } = open(clock)
  using _ = peer
  await using ticker = ticking(peer, { name: 'peers', rounds: domain.rounds })
  await turn()
  for (let i = 0; i < 3; i++) {
    await clock.advance(100)
    domain.gives.advertise()
    ticker.look()
    await turn()
  }
  expect(said.length).toBe(4)
  await clock.advance(1_700)
  expect(said.length).toBe(5)
  await clock.advance(8_000)
  expect(said.length).toBe(6)
})

test('who has just connected is told who we are, and once more for the first may be lost; who has left is not', async () => {
  const clock = fakeClock()
  const { peer, domain, said } = open(clock)
  using _ = peer
  await using ticker = ticking(peer, { name: 'peers', rounds: domain.rounds })
  await turn()
  const change = (connected: boolean): void => {
    domain.opened.onPeer?.({ peer: ann, connected })
    ticker.look()
  }
  const toldAnn = () => said.filter(({ to }) => to === ann).length
  change(true)
  await clock.advance(2_999)
  expect(toldAnn()).toBe(1)
  await clock.advance(1)
  expect(toldAnn()).toBe(2)
  await clock.advance(60_000)
  expect(toldAnn()).toBe(2)
  change(true)
  change(false)
  await clock.advance(60_000)
  expect(toldAnn()).toBe(3)
})

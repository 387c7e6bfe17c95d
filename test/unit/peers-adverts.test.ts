import { expect, test } from 'vitest'
import { ADVERT, createPeers, type KnownPeer, type PeersDeps } from '../../src/domains/peers/peers.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { createRounds, type RoundsDeps } from '../../src/parts/rounds.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'

/** What a version said that knew no models, availability or price. */
const FORMER = { name: 'ann', roles: ['compute'], zone: 'z', version: '0.0.9', kinds: ['embed@1'], slots: 4 }
const ann = 'ann' as PeerId

/** The peers that work on a kind, after this advert was heard. */
function workersAfter(advert: object) {
  const known = new Map<PeerId, KnownPeer>()
  const store = { peer: (id: PeerId) => known.get(id), peerCount: () => known.size }
  const { messages } = createPeers({ self: 'me' as PeerId, now: () => 1, store } as unknown as PeersDeps)
  const type = messages.get(ADVERT)
  const checked = type?.payload.safeParse(advert)
  if (checked?.success === true) {
    const envelope = { sender_id: ann, created: 1, expires: 1_000 } as unknown as Envelope
    for (const fact of type?.handle(envelope, advert as never).facts ?? []) known.set(ann, fact.peer)
  }
  const network = { peers: () => [{ peer: ann, latencyMs: 3 }] }
  const rounds = createRounds({
    storage: { peers: store },
    network,
    works: false,
    slots: 0,
    self: 'me',
    clock: { now: () => 2 },
  } as unknown as RoundsDeps)
  return rounds.workersFor('embed@1')
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

import { expect, test } from 'vitest'
import type { KnownPeer } from '../../src/domains/peers/peers.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { type Draft, outcome } from '../../src/kernel/outcome.ts'
import { createRounds, type RoundsDeps } from '../../src/parts/rounds.ts'
import type { Fact } from '../../src/storage/facts.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { scratch } from '../support/storm.ts'

const ZONE = 'north'
const NADIA = '12D3KooWNadia' as PeerId

/** Rounds of a peer that has nothing due; what it says and whom it asks for catalogs is written down. */
async function openRounds() {
  const folder = scratch()
  const clock = fakeClock()
  const storage = openStorage(`${folder.path('home')}/wattmesh.db`, { clock, metrics: createMetrics() })
  const said: Partial<Draft>[] = []
  const pulled: PeerId[] = []
  const connected = new Set<PeerId>()
  const deps = {
    storage,
    clock,
    log: silentLog,
    works: false,
    slots: 1,
    self: '12D3KooWSelf' as PeerId,
    options: {
      network: { zone: ZONE },
      storage: { journalDays: 1, journalMessages: 1_000 },
      compute: { resultDays: 1 },
    },
    network: { peers: () => [], isConnected: (peer: PeerId) => connected.has(peer) },
    outbox: { post: (draft: Partial<Draft>) => void said.push(draft), peerConnected: () => undefined },
    peers: { advertDraft: (to?: PeerId) => (to === undefined ? {} : { to }) },
    trading: {
      nextDeadline: () => undefined,
      joined(peer: PeerId) {
        pulled.push(peer)
        return outcome()
      },
    },
    tasks: { workerLost: () => outcome() },
    runner: { wake: () => undefined },
    commit: async (decide: () => unknown) => decide(),
  } as unknown as RoundsDeps
  const rounds = createRounds(deps)
  await rounds.start?.()
  const met = (more: Partial<KnownPeer> = {}): void => {
    const peer = { peer: NADIA, zone: ZONE, roles: ['household'], ...more }
    rounds.committed([{ kind: 'peer', peer } as unknown as Fact])
  }
  return {
    rounds,
    clock,
    said,
    pulled,
    connected,
    met,
    async [Symbol.asyncDispose]() {
      await rounds.stop?.()
      storage.stop()
      folder[Symbol.dispose]()
    },
  }
}

test('a peer says who it is at its start and soon again, for the first may have been said to nobody', async () => {
  await using opened = await openRounds()
  const { clock, said } = opened
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

test('whoever is heard of from afar is asked for no catalogs until it is connected, and then once', async () => {
  await using opened = await openRounds()
  const { rounds, pulled, connected, met } = opened
  met()
  expect(pulled).toEqual([])
  connected.add(NADIA)
  met({ zone: 'south' })
  met({ roles: ['compute'] })
  expect(pulled).toEqual([])
  met()
  met()
  expect(pulled).toEqual([NADIA])
  // It has left: what it knows when it is back is asked for again.
  rounds.peerChanged({ peer: NADIA, connected: false })
  met()
  expect(pulled).toEqual([NADIA, NADIA])
})

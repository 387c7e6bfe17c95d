import { expect, test } from 'vitest'
import { type ChainCheckDeps, createChainCheck } from '../../src/domains/energy/meter/chain-check.ts'
import { appendReading, type Reading } from '../../src/domains/energy/meter/reading-chain.ts'
import { energyStore } from '../../src/domains/energy/store.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import { eventually } from '../support/network-hosts.ts'
import { openPeer, seedNamed } from '../support/open-domain.ts'

const household = identityFromSeed(seedNamed('household'))
const verifyOwn = (text: string, signature: string): boolean =>
  verifySignature(household.peerId, text, signature) === true

function chainOf(meterId: string, length: number): Reading[] {
  const chain: Reading[] = []
  for (let slot = 100; slot < 100 + length; slot++) {
    const link = { meterId, slot, slotMs: 900_000, importWh: slot, exportWh: 0, quality: 'OK' as const }
    chain.push(appendReading(chain.at(-1), link, household.sign))
  }
  return chain
}

/** What is said at the start about these readings, as the database gives them back. */
async function saidOf(readings: readonly Reading[]): Promise<object[]> {
  using peer = openPeer()
  const { read, apply } = peer.storage.open({ name: 'energy', store: energyStore })
  for (const reading of readings) apply({ kind: 'energy.reading', reading })
  const said: object[] = []
  let looks = 0
  const check = createChainCheck({
    store: read,
    verifyOwn,
    clock: { ...systemClock, sleep: (ms, ...signals) => systemClock.sleep(ms, ...signals).finally(() => ++looks) },
    log: { ...silentLog, error: fields => void said.push(fields) },
  })
  await check.start?.()
  await eventually('every chain was looked at, or complained of', () => looks + said.length >= 4)
  await check.stop?.()
  return said
}

/** Two meters, one after the other; each is looked at in two turns. */
const TWO = [...chainOf('before', 60), ...chainOf('after', 60)]

test('readings as they were signed are no news', async () => {
  expect(await saidOf(TWO)).toEqual([])
})

test.each([
  ['changed', (r: Reading): Reading[] => [{ ...r, importWh: 1 }], 55, 'its content does not match its hash'],
  ['dropped', (): Reading[] => [], 56, 'link 55 is missing before it'],
])('a reading that was %s is said loudly, with its meter and its place', async (_, become, link, problem) => {
  const tampered = TWO.flatMap(reading =>
    reading.meterId === 'after' && reading.link === 55 ? become(reading) : [reading],
  )
  expect(await saidOf(tampered)).toEqual([
    { meterId: 'after', link, slot: 99 + link, problem: expect.stringContaining(problem) },
  ])
})

test('a long chain is never in memory whole: it is read in pieces, and others have their turn between them', async () => {
  const chain = chainOf('meter', 120)
  const events: (number | 'turn')[] = []
  const store: ChainCheckDeps['store'] = {
    meters: () => ['meter'],
    chain(_, afterLink, limit) {
      const links = chain.slice(afterLink, afterLink + limit)
      events.push(links.length)
      return links
    },
  }
  const check = createChainCheck({
    store,
    verifyOwn,
    log: silentLog,
    clock: {
      ...systemClock,
      sleep: (ms, ...signals) => systemClock.sleep(ms, ...signals).finally(() => events.push('turn')),
    },
  })
  await check.start?.()
  await eventually('the chain was looked at', () => events.length >= 6)
  await check.stop?.()
  expect(events).toEqual([50, 'turn', 50, 'turn', 20, 'turn'])
})

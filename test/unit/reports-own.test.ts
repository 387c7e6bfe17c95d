import { expect, test } from 'vitest'
import { booksDomain } from '../../src/domains/books/books.ts'
import { energyDomain } from '../../src/domains/energy/energy.ts'
import type { EnergyFact, SettledSlot } from '../../src/domains/energy/household.ts'
import type { PeerFact } from '../../src/domains/peers/adverts.ts'
import { peersDomain } from '../../src/domains/peers/peers.ts'
import type { Trade, TradingFact } from '../../src/domains/trading/trade.ts'
import { tradingDomain } from '../../src/domains/trading/trading.ts'
import type { PeerId, TransactionId } from '../../src/kernel/ids.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { balanceOf, drawnWh } from '../../src/reports/balance.ts'
import { ownReport } from '../../src/reports/own-report.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { marketClockOf } from '../support/market-clock.ts'
import { openPeer, type Peer, seedNamed } from '../support/open-domain.ts'

type Fact = EnergyFact | PeerFact | TradingFact

const SLOT_MS = 900_000
const FIRST = 1_000_000
const [utility, neighbour] = ['utility', 'neighbour'].map(name => identityFromSeed(seedNamed(name)).peerId) as [
  PeerId,
  PeerId,
]

function slot(number: number, flows: Partial<SettledSlot>): Fact {
  const none = { loadWh: 0, solarWh: 0, boughtWh: 0, soldWh: 0, importedWh: 0, exportedWh: 0, lossWh: 0, socWh: 0 }
  return { kind: 'energy.slot', slot: { ...none, ...flows, slot: FIRST + number } }
}

function trade(number: number, seller: PeerId, more: Partial<Trade>): Fact {
  const startMs = (FIRST + number) * SLOT_MS
  const made: Trade = {
    transactionId: `${seller.slice(-6)}-${number}` as TransactionId,
    role: 'buyer',
    counterparty: seller,
    offerId: 'o',
    slot: { startMs, durationMs: SLOT_MS },
    energyWh: 100,
    priceMicro: 250_000,
    gridFeeMicro: 0,
    state: 'active',
    deadlineMs: 0,
    startedMs: startMs,
    ...more,
  }
  return { kind: 'trading.trade', trade: made }
}

function advert(peer: PeerId, role: 'utility' | 'household'): Fact {
  const said = { name: role, roles: [role], zone: 'zone-1', version: '0', kinds: [], slots: 0, models: [] }
  const work = { availability: 'closed', priceClass: 0 } as const
  return { kind: 'peers.peer', peer: { ...said, ...work, peer, saidMs: 0, expiresMs: Number.MAX_SAFE_INTEGER } }
}

/** The report of a household that keeps these facts, at the end of its second slot. */
async function reportOf(facts: readonly Fact[]) {
  const clock = fakeClock((FIRST + 2) * SLOT_MS)
  const options = { name: 'household', 'utility.priceMicro': 250_000, 'household.capacityWh': 10_000 }
  const market = marketClockOf(clock, SLOT_MS)
  using peer = openPeer({ name: 'household', clock, market, options })
  const { peers, books, energy, trading } = await openHome(peer)
  peer.registry.apply([advert(utility, 'utility'), advert(neighbour, 'household'), ...facts])
  return ownReport({
    self: peer.self,
    name: 'household',
    roles: ['household'],
    networkName: 'test',
    currency: 'USD',
    slotMs: SLOT_MS,
    capacityWh: options['household.capacityWh'],
    now: clock.now,
    marketNow: market.now,
    slots: energy.gives.slots,
    trades: trading.gives.trades,
    receipts: books.gives.receipts,
    readings: () => [],
    peer: id => peers.gives.peer(id as PeerId),
    tariff: trading.gives.tariff,
  })
}

async function openHome(peer: Peer) {
  const peers = peer.addNow(peersDomain, {
    version: '0',
    advert: peer.registry.advert,
    connected: () => [],
    connect: async () => undefined,
    post: () => undefined,
  })
  const books = peer.addNow(booksDomain, { inZone: peers.gives.inZone, nameOf: peers.gives.nameOf })
  const energy = await peer.add(energyDomain, {
    traded: books.gives.traded,
    unsettledBetween: books.gives.unsettledBetween,
  })
  const trading = peer.addNow(tradingDomain, {
    books: books.gives,
    metered: energy.gives.metered,
    house: energy.gives,
    isConnected: () => false,
    connected: () => [],
    inZone: peers.gives.inZone,
    trades: peers.gives.trades,
  })
  return { peers, books, energy, trading }
}

test('energy of the utility is the utility’s, whether a trade brought it or not', async () => {
  const { totals, balance } = await reportOf([
    slot(0, { loadWh: 150, boughtWh: 100, importedWh: 50 }),
    trade(0, utility, { energyWh: 100 }),
  ])
  expect(balance).toMatchObject([{ loadWh: 150, boughtWh: 0, importedWh: 150 }])
  expect(totals).toMatchObject({ tradedWh: 100, localShare: 0, selfSufficiency: 0 })
  // 150 Wh at 0.25, on both sides of the comparison.
  expect(totals).toMatchObject({ billMicro: 37_500, baselineMicro: 37_500, saving: 0 })
})

test('energy of neighbours stays theirs, beside that of the utility in the same slot', async () => {
  const { totals, balance } = await reportOf([
    slot(0, { loadWh: 150, boughtWh: 150 }),
    trade(0, utility, { energyWh: 50 }),
    trade(0, neighbour, { priceMicro: 150_000 }),
    trade(0, neighbour, { transactionId: 'gone' as TransactionId, state: 'expired' }),
  ])
  expect(balance).toMatchObject([{ boughtWh: 100, importedWh: 50 }])
  expect(totals.localShare).toBeCloseTo(2 / 3, 10)
  expect(totals.saving).toBeCloseTo(0.26667, 4)
})

test('what is sold to a neighbour is no purchase of its own', async () => {
  const { totals, balance } = await reportOf([
    slot(0, { solarWh: 300, loadWh: 100, soldWh: 200 }),
    trade(0, neighbour, { role: 'seller', energyWh: 200 }),
  ])
  expect(balance).toMatchObject([{ soldWh: 200, boughtWh: 0, importedWh: 0 }])
  expect(totals).toEqual({ tradedWh: 0, selfSufficiency: 1 })
})

test('what was drawn from the battery must be bought back: it is no sufficiency', async () => {
  const facts = [
    slot(0, { loadWh: 400, boughtWh: 100, socWh: 1_700 }),
    slot(1, { loadWh: 100, solarWh: 300, lossWh: 20, socWh: 1_880 }),
    trade(0, neighbour, { priceMicro: 150_000 }),
  ]
  const { totals, drawnWh } = await reportOf(facts)
  // 300 Wh out of the battery, 180 Wh back into it.
  expect(drawnWh).toBe(120)
  expect(totals.selfSufficiency).toBeCloseTo(1 - 120 / 500, 10)
  expect(totals.localShare).toBeCloseTo(100 / 220, 10)
  expect(totals).toMatchObject({ billMicro: 15_000 + 30_000, baselineMicro: 25_000 + 30_000 })
})

test('a battery that is fuller than at the start has given nothing', async () => {
  const { drawnWh } = await reportOf([slot(0, { solarWh: 500, loadWh: 100, socWh: 2_400 })])
  expect(drawnWh).toBe(0)
})

test('of several households slots are added up, and each has its own battery', () => {
  const flows = { loadWh: 0, solarWh: 0, boughtWh: 0, soldWh: 0, importedWh: 0, exportedWh: 0, lossWh: 0 }
  const emptier = [{ ...flows, slot: 2, soldWh: 100 }]
  const fuller = [{ ...flows, slot: 2, boughtWh: 100 }]
  expect([drawnWh(emptier), drawnWh(fuller)]).toEqual([100, 0])
  const rows = balanceOf([{ ...flows, slot: 3, loadWh: 1 }, ...emptier, ...fuller], [], SLOT_MS)
  expect(rows.map(({ slotStartMs, soldWh, boughtWh }) => [slotStartMs / SLOT_MS, soldWh, boughtWh])).toEqual([
    [2, 100, 100],
    [3, 0, 0],
  ])
})

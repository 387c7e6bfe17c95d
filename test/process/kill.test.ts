import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Trade } from '../../src/domains/trading/trade.ts'
import { tradingDomain } from '../../src/domains/trading/trading.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { decode } from '../../src/protocol/decode.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { MAX_STREAM_BYTES } from '../../src/protocol/limits.ts'
import { createOpener, isSealed } from '../../src/protocol/sealed.ts'
import { openStorage, type Storage } from '../../src/storage/storage.ts'
import { hastyClock } from '../support/leaping-clock.ts'
import { networkOf } from '../support/memory-network.ts'
import { bringToLife, type Life, type MortalDaemon, startDaemon } from '../support/mortal-seller.ts'
import { eventually } from '../support/network-hosts.ts'
import { seedOfNode, testNodes } from '../support/nodes.ts'
import { openStoreOf } from '../support/open-domain.ts'
import { openRoad, type Road } from '../support/road.ts'
import { catalogFact, wantedFact } from '../support/senders.ts'
import { scratch, seedOf } from '../support/storm.ts'

const KILLS = 200
/** Trades the buyer keeps going at a time. */
const AT_ONCE = 6
const TRADE_WH = 100
const OFFERED_WH = 60_000
const OPEN: readonly Trade['state'][] = ['selecting', 'quoted', 'confirming']

/** As the system's, but nobody waits long before trying again. */
const hasty = hastyClock(15)

test(`a seller killed ${KILLS} times loses nothing it acknowledged and answers nothing twice`, async () => {
  using folder = scratch()
  const random = seededRandom(seedOf('kill'))
  const sellerSeed = createHash('sha256').update('seller').digest()
  const buyerSeed = createHash('sha256').update('buyer').digest()
  const seller = identityFromSeed(sellerSeed).peerId
  const offered = offerOf(seller)

  /** Answers of the seller as the buyer received them, by the request they answer. */
  const answers = new Map<string, Set<string>>()
  const opener = await createOpener(identityFromSeed(buyerSeed))
  let life: Life | undefined
  let repliesHeard = 0
  const sentMs = new Map<string, number[]>()
  const buyer = await openRoad({
    home: folder.path('buyer'),
    seed: buyerSeed,
    clock: hasty,
    random,
    inZone: false,
    flags: { 'market.reservationMs': 60_000, 'market.stepTimeoutMs': 120_000 },
    transport: async deps =>
      networkOf(deps, {
        async request(_peer, protocol, bytes) {
          if (life === undefined) throw new Error('the seller is dead')
          const { id } = read(bytes)
          sentMs.set(id, [...(sentMs.get(id) ?? []), Date.now()])
          const reply = await life.wire.request(protocol, bytes)
          repliesHeard++
          const envelope = read(reply)
          const { payload, reply_to: asked = '' } = envelope
          const said = JSON.stringify(isSealed(payload) ? await opener(envelope) : payload)
          answers.set(asked, (answers.get(asked) ?? new Set()).add(said))
          // Networks lose answers as well: the request is sent again, often to the next life.
          if (random() < 0.05) throw new Error('the answer got lost')
          return reply
        },
      }),
  })
  await buyer.keep(catalogFact(offered))
  await buyer.start()

  const start = (): Life =>
    bringToLife({
      home: folder.path('seller'),
      seed: sellerSeed.toString('hex'),
      buyer: buyer.self,
      offers: catalogFact(offered).catalog.offers,
      onRequest: (protocol, bytes) => buyer.arrives.request(protocol, bytes, seller),
    })

  let starts = 0
  let killedWhileStarting = 0
  try {
    for (let kills = 0; kills < KILLS; kills++) {
      life = start()
      const early = random() < 0.15
      if (early) {
        await sleep(random() * 300)
        killedWhileStarting++
      } else {
        await life.ready
        starts++
        await trafficUntil(buyer, repliesHeard + 1 + Math.floor(random() * 12), () => repliesHeard)
        await sleep(random() * 4)
      }
      await life.kill()
      expect(life.complaints()).toBe('')
    }

    // The last life: whatever was under way comes to its end.
    life = start()
    await life.ready
    await eventually('every trade has ended', () => openTrades(buyer) === 0, 60_000)
    await eventually(
      'nothing waits to be delivered',
      () => buyer.storage.messages.waitingRecipients().length === 0,
      60_000,
    )
    expect(await life.end()).toBe(0)
    expect(life.complaints()).toBe('')
  } finally {
    await life?.kill()
    await buyer.stop()
  }

  const sellerAfter = openStorage(folder.path('seller/wattmesh.db'), { clock: systemClock, metrics: createMetrics() })
  const buyerAfter = openStorage(folder.path('buyer/wattmesh.db'), { clock: systemClock, metrics: createMetrics() })
  try {
    const received = sellerAfter.messages.list({ limit: 1_000_000 }).filter(row => row.direction === 'in')
    const handled = new Map<string, (typeof received)[number]>(received.map(row => [row.id, row]))

    // No acknowledged message lost: the journal has each, with the answer that was given.
    expect(answers.size).toBeGreaterThan(KILLS)
    for (const [asked, said] of answers) {
      expect([...said], `answers to ${asked}`).toHaveLength(1)
      const kept = handled.get(asked)
      const { message } = JSON.parse([...said][0] as string) as { message: { status: string } }
      expect(kept?.answer?.status, `the kept answer to ${asked}`).toBe(message.status)
    }

    // No answer given twice: each request was followed by one callback, whoever died in between.
    const callbacks = buyerAfter.messages.list({ limit: 1_000_000 }).filter(row => row.direction === 'in')
    const asked = callbacks.map(row => (JSON.parse(row.envelope) as { reply_to?: string }).reply_to)
    expect(new Set(asked).size).toBe(asked.length)

    // Every effect once, and the same on both sides.
    const tradesOf = (storage: Storage) => openStoreOf(tradingDomain, storage).read.trades(1_000_000)
    const bought = new Map(tradesOf(buyerAfter).map(trade => [trade.transactionId, trade]))
    const sold = tradesOf(sellerAfter)
    const agreed = sold.filter(trade => trade.state === 'active')
    expect(agreed.length).toBeGreaterThan(KILLS / 4)
    for (const trade of agreed) expect(bought.get(trade.transactionId)?.contract).toEqual(trade.contract)
    expect([...bought.values()].filter(trade => trade.state === 'active')).toHaveLength(agreed.length)
    expect(agreed.length * TRADE_WH).toBeLessThanOrEqual(OFFERED_WH)
    // The storm hit something: requests were sent again, and some of those the dead had kept already.
    const resent = [...sentMs].filter(([, times]) => times.length > 1)
    const keptBefore = resent.filter(([id, times]) => (handled.get(id)?.at ?? Infinity) < (times.at(-1) ?? 0))
    console.log(
      `kill: ${starts} lives, ${killedWhileStarting} kills while starting, ${answers.size} requests answered, ` +
        `${resent.length} sent again, ${keptBefore.length} of them kept before, ${agreed.length} trades agreed`,
    )
    expect(resent.length).toBeGreaterThan(KILLS / 4)
    expect(keptBefore.length).toBeGreaterThan(0)
  } finally {
    sellerAfter.stop()
    buyerAfter.stop()
  }
}, 400_000)

const DAEMON_KILLS = 20
/** Several answers to one question: sellers to a search, pages to a pull. */
const MANY = new Set(['beckn.on_discover', 'catalog.page'])

test(`a whole daemon killed ${DAEMON_KILLS} times keeps every contract it agreed to, and starts clean each time`, async () => {
  using folder = scratch()
  await using nodes = testNodes()
  const random = seededRandom(seedOf('daemon kill'))
  const buyer = await nodes.start('buyer', { 'market.stepTimeoutMs': 60_000 })
  const home = folder.path('seller')
  const seed = seedOfNode('seller')
  const seller = identityFromSeed(seed).peerId
  const bought = async () => (await buyer.trading.trades({ limit: 10_000 })).filter(({ state }) => state === 'active')

  const said = () => buyer.daemon.messages({ limit: 10_000 })

  let daemon: MortalDaemon | undefined
  try {
    for (let kills = 0; kills < DAEMON_KILLS; kills++) {
      daemon = startDaemon(home, seed.toString('hex'), OFFERED_WH)
      if (random() < 0.2) await sleep(random() * 1_500)
      else {
        await buyer.peers.connect({ address: await daemon.address })
        const before = (await said()).length
        const more = 2 + Math.floor(random() * 20)
        await eventually('they trade', async () => {
          const needs = await buyer.trading.needs({ limit: 10_000 })
          const open = needs.filter(need => ['searching', 'trading'].includes(need.state))
          if (open.length < AT_ONCE) await buyer.trading.buy({ energyWh: TRADE_WH })
          return (await said()).length >= before + more
        })
        await sleep(random() * 5)
      }
      await daemon.kill()
      expect(daemon.complaints()).toBe('')
    }
    daemon = startDaemon(home, seed.toString('hex'), OFFERED_WH)
    await buyer.peers.connect({ address: await daemon.address })
    await eventually(
      'every trade has ended',
      async () => {
        const trades = await buyer.trading.trades({ limit: 10_000 })
        return trades.every(({ state }) => !OPEN.includes(state))
      },
      60_000,
    )
    await daemon.end()
    expect(daemon.complaints()).toBe('')
  } finally {
    await daemon?.kill()
  }

  const after = openStorage(`${home}/wattmesh.db`, { clock: systemClock, metrics: createMetrics() })
  try {
    const { read } = openStoreOf(tradingDomain, after)
    const sold = read.trades(10_000).filter(({ state }) => state === 'active')
    const byId = new Map(sold.map(trade => [trade.transactionId, trade.contract]))
    console.log(`daemon kill: ${(await bought()).length} trades agreed with ${seller.slice(-6)}`)
    expect((await bought()).length).toBeGreaterThan(5)
    expect(sold).toHaveLength((await bought()).length)
    for (const trade of await bought()) expect(byId.get(trade.transactionId)).toEqual(trade.contract)
    // Whatever the buyer holds an acknowledgement for, the seller's journal has.
    const acknowledged = (await said()).filter(
      row => row.state === 'delivered' && row.peer === seller && row.type !== 'catalog.page',
    )
    const kept = new Set(
      after.messages
        .list({ limit: 100_000 })
        .filter(row => row.direction === 'in')
        .map(row => row.id),
    )
    expect(acknowledged.length).toBeGreaterThan(20)
    expect(acknowledged.filter(({ id }) => !kept.has(id))).toEqual([])
    const callbacks = (await said()).flatMap(row => {
      const { reply_to } = JSON.parse(row.envelope) as { reply_to?: string }
      return row.direction === 'in' && reply_to !== undefined && !MANY.has(row.type) ? [reply_to] : []
    })
    expect(new Set(callbacks).size).toBe(callbacks.length)
  } finally {
    after.stop()
  }
}, 400_000)

function read(bytes: Uint8Array): Envelope {
  const decoded = decode(bytes, MAX_STREAM_BYTES)
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.envelope
}

/** Keeps the buyer buying until so many replies were heard. */
async function trafficUntil(buyer: Road, replies: number, heard: () => number): Promise<void> {
  await eventually('the seller answers', async () => {
    for (let open = openTrades(buyer); open < AT_ONCE; open++) await wantEnergy(buyer)
    return heard() >= replies
  })
}

function openTrades(buyer: Road): number {
  const { trading } = buyer
  const trades = OPEN.reduce((sum, state) => sum + trading.tradesInState(state).length, 0)
  return trades + trading.needsInState('searching').length
}

/** The seller's one offer is known: the search is over as soon as it begins. */
async function wantEnergy(buyer: Road): Promise<void> {
  const [catalog] = buyer.trading.catalogs()
  const [offer] = catalog?.offers ?? []
  if (catalog === undefined || offer === undefined) throw new Error('the buyer knows no offer')
  await buyer.keep(wantedFact(catalog.seller, { slot: offer.slot, energyWh: TRADE_WH }))
}

function offerOf(seller: PeerId): Parameters<typeof catalogFact>[0] {
  const slot = { startMs: Math.ceil(Date.now() / 3_600_000 + 24) * 3_600_000, durationMs: 3_600_000 }
  return { seller, validUntilMs: Date.now() + 3_600_000, offer: { slot, availableWh: OFFERED_WH } }
}

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import { meterOf } from '../../src/domains/trading/beckn/participants.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createMarketClock } from '../../src/kernel/market-clock.ts'
import { costMicro } from '../../src/kernel/money.ts'
import { topicFor } from '../../src/protocol/topics.ts'
import { eventually, testHosts } from '../support/network-hosts.ts'
import { meet, type TestNode, testNodes } from '../support/nodes.ts'

vi.setConfig({ testTimeout: 60_000 })

const PRICE_MICRO = 123_457
const all = (node: TestNode) => node.daemon.messages({ limit: 10_000 })

/**
 * Everybody offers energy, until the buyer has heard it. A topic carries to those who follow it already, and there is
 * no event that says when the last neighbour does.
 */
async function offered(buyer: TestNode, ...offers: [seller: TestNode, energyWh: number, priceMicro: number][]) {
  async function missing() {
    const known = new Set((await buyer.trading.catalogs()).map(({ seller }) => seller))
    return offers.filter(([{ peerId }]) => !known.has(peerId))
  }
  const isHeard = async () => (await missing()).length === 0
  for (let i = 0; i < 30 && !(await isHeard()); i++) {
    for (const [{ trading }, energyWh, priceMicro] of await missing()) await trading.sell({ energyWh, priceMicro })
    await eventually('heard', isHeard, 500).catch(() => undefined)
  }
  expect(await missing()).toEqual([])
}

async function bought(buyer: TestNode, needId: string): Promise<void> {
  const need = () => buyer.trading.need({ id: needId })
  await eventually('the need is met or given up', async () => ['bought', 'failed'].includes((await need()).state))
  expect(await need()).toMatchObject({ state: 'bought' })
}

/** The trade of a node without what is its own business (times). */
async function contractOf(node: TestNode, transactionId = '') {
  const { state, contract } = await node.trading.trade({ id: transactionId })
  return { state, contract }
}

test('a household buys from the cheapest of two, and both sides hold the same contract after each has restarted', async () => {
  await using nodes = testNodes()
  const [seller, dear, buyer] = [await nodes.start('seller'), await nodes.start('dear'), await nodes.start('buyer')]
  await meet(seller, dear, buyer)
  await offered(buyer, [dear, 5_000, PRICE_MICRO + 1], [seller, 5_000, PRICE_MICRO])

  const need = await buyer.trading.buy({ energyWh: 1_500 })
  await bought(buyer, need.id)
  const { transactionId } = await buyer.trading.need({ id: need.id })
  await eventually('the status was answered', async () =>
    (await all(buyer)).some(({ type }) => type === 'beckn.on_status'),
  )

  const agreed = await contractOf(buyer, transactionId)
  expect(agreed.contract?.terms).toMatchObject({ seller: seller.peerId, energyWh: 1_500, priceMicro: PRICE_MICRO })
  expect(await contractOf(seller, transactionId)).toEqual(agreed)
  expect(await dear.trading.trades()).toEqual([])

  await nodes.stop(seller)
  await nodes.stop(buyer)
  const [sellerAgain, buyerAgain] = [await nodes.start('seller'), await nodes.start('buyer')]
  expect(await contractOf(sellerAgain, transactionId)).toEqual(agreed)
  expect(await contractOf(buyerAgain, transactionId)).toEqual(agreed)
  expect(await buyerAgain.trading.need({ id: need.id })).toMatchObject({ state: 'bought' })

  // And what is left is what the seller remembers: 5000 Wh offered, 1500 Wh sold.
  await meet(sellerAgain, buyerAgain)
  const more = await buyerAgain.trading.buy({ energyWh: 3_501, maxPriceMicro: PRICE_MICRO })
  const left = () => buyerAgain.trading.need({ id: more.id })
  await eventually('that is more than there is', async () => (await left()).state === 'part')
  expect(await left()).toMatchObject({ boughtWh: 3_500 })
})

test('a third peer that carries the trade between the two reads neither price nor quantity of it', async () => {
  await using nodes = testNodes()
  const [between, seller, buyer] = [
    await nodes.start('between'),
    await nodes.start('seller'),
    await nodes.start('buyer'),
  ]
  await meet(between, seller, buyer)
  await offered(buyer, [seller, 5_000, PRICE_MICRO])
  const need = await buyer.trading.buy({ energyWh: 1_234 })
  await bought(buyer, need.id)

  // Everything that was said between the two travelled sealed …
  const said = [...(await all(buyer)), ...(await all(seller))].filter(({ envelope }) => envelope.includes('0.123457'))
  const steps = said.filter(({ type }) => !['beckn.catalog_publish'].includes(type))
  expect(new Set(steps.map(({ type }) => type)).size).toBeGreaterThanOrEqual(6)
  expect(steps.filter(({ sealed }) => !sealed).map(({ type }) => type)).toEqual([])
  // … and who stood between has kept of it no more than the public catalog and the search.
  const kept = new Set((await all(between)).filter(row => row.direction === 'in').map(({ type }) => type))
  const open = ['beckn.catalog_publish', 'beckn.catalog_pull', 'catalog.page', 'beckn.discover', 'receipt.published']
  expect([...kept].filter(type => !open.includes(type))).toEqual([])
  expect(kept).toContain('beckn.discover')
  await nodes.stop(between)
  const db = new DatabaseSync(join(between.home, 'wattmesh.db'), { readOnly: true })
  const rows = db.prepare('SELECT envelope AS text FROM messages UNION ALL SELECT body FROM documents').all()
  db.close()
  const texts = rows.map(({ text }) => String(text))
  expect(texts.some(text => text.includes('1.234') || text.includes('"energyWh":1234'))).toBe(false)
})

/** Seven digits each: no timestamp or id has them by chance. */
const SECRET = { priceMicro: 7_654_321, soldWh: 8_765_432, keptWh: 7_543_219 }
/** Market time runs fast enough that the slot is delivered and settled while the test waits. */
const FAST = { 'market.slotMs': 60_000, 'market.speed': 20 }
const STEPS = ['select', 'init', 'confirm', 'status', 'update', 'track', 'support', 'rate']
const CALLBACKS = STEPS.map(step => `on_${step}`)

/** A text as it stands in bytes: plain, or somewhere within base64, where three bytes begin in one of three places. */
function formsOf(text: string): string[] {
  const encoded = [0, 1, 2].flatMap(before => {
    const bytes = Buffer.from(`${'?'.repeat(before)}${text}`)
    // Characters that its neighbours have a part in are left out.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)]
    return [bytes.toString('base64'), bytes.toString('base64url')].map(said => said.slice(from, to))
  })
  return [text, ...encoded]
}

test('a third peer that follows the order topic hears a whole trade, and no price, quantity or meter of it', async () => {
  await using nodes = testNodes()
  await using hosts = testHosts()
  const market = { ...FAST, 'market.originMs': Date.now() }
  const ample = { 'household.maxPriceMicro': 9_000_000, 'household.maxBuyWh': 9_000_000, 'household.creditMicro': 1e12 }
  const seller = await nodes.start('seller', { ...market, ...ample, 'household.solarWh': SECRET.soldWh })
  const buyer = await nodes.start('buyer', { ...market, ...ample, 'household.loadWh': SECRET.soldWh })
  await meet(seller, buyer)
  const heard: Buffer[] = []
  const topic = topicFor('orders', 'zone', { network: 'test-cluster', zone: 'zone-1' })
  const third = await hosts.start(
    {},
    {
      topics: [topic],
      async onGossip(_, bytes) {
        heard.push(Buffer.from(bytes))
        return 'accept'
      },
    },
  )
  for (const node of [seller, buyer]) await third.connect(await node.address(), { timeoutMs: 10_000 })
  const heardOf = (node: TestNode): boolean => heard.some(bytes => bytes.includes(`"sender_id":"${node.peerId}"`))
  for (const node of [seller, buyer]) {
    // A search is in the open, and shows that the third peer hears whom it should.
    for (let i = 0; i < 30 && !heardOf(node); i++) {
      await node.trading.buy({ energyWh: 1, maxPriceMicro: 0 })
      await eventually('heard', () => heardOf(node), 500).catch(() => undefined)
    }
  }

  const { slotMs, nowMs } = { slotMs: market['market.slotMs'], nowMs: marketNow(market['market.originMs']) }
  const slotStartMs = (Math.floor(nowMs / slotMs) + 5) * slotMs
  await seller.trading.sell({ energyWh: SECRET.soldWh, priceMicro: SECRET.priceMicro, slotStartMs })
  const isOffered = async () =>
    (await buyer.trading.catalogs()).some(({ offers }) => offers.some(({ slot }) => slot.startMs === slotStartMs))
  await eventually('the offer is heard', isOffered)
  const need = await buyer.trading.buy({ energyWh: SECRET.soldWh, slotStartMs })
  await bought(buyer, need.id)
  const { transactionId: id = '' } = await buyer.trading.need({ id: need.id })
  const trade = (node: TestNode) => node.trading.trade({ id })
  const both = () => Promise.all([buyer, seller].map(trade))
  await buyer.trading.reduce({ id, energyWh: SECRET.keptWh })
  const isLess = async () => (await both()).every(({ energyWh }) => energyWh === SECRET.keptWh)
  await eventually('less is agreed', isLess)
  await buyer.trading.track({ id })
  await buyer.trading.support({ id })
  await eventually('both are answered', async () => {
    const { progress, support } = await trade(buyer)
    return progress !== undefined && support !== undefined
  })
  const isSettled = async () => (await both()).every(({ state }) => state === 'settled')
  await eventually('it is settled', isSettled, 40_000)
  expect((await trade(buyer)).settlement).toMatchObject({ finalWh: SECRET.keptWh })
  await buyer.trading.rate({ id, stars: 5 })
  const isRated = async () => (await both()).every(({ rating }) => rating !== undefined)
  await eventually('the rating is known', isRated)

  const flow = heard
    .map(bytes => JSON.parse(bytes.toString()) as { type: string; task_id: string; payload: object })
    .filter(({ task_id }) => task_id === id)
  const types = new Set(flow.map(({ type }) => type))
  expect([...STEPS, ...CALLBACKS].filter(step => !types.has(`beckn.${step}`))).toEqual([])
  expect(flow.filter(({ payload }) => Object.keys(payload).sort().join() !== 'enc,sealed')).toEqual([])

  const secrets = [
    ...[SECRET.priceMicro / 1e6, SECRET.priceMicro, SECRET.soldWh / 1e3, SECRET.soldWh, SECRET.keptWh / 1e3],
    ...[SECRET.keptWh, costMicro(SECRET.keptWh, SECRET.priceMicro), meterOf(buyer.peerId), meterOf(seller.peerId)],
  ].map(String)
  const shown = (texts: readonly (string | Buffer)[]): string[] =>
    secrets.filter(secret => formsOf(secret).some(form => texts.some(text => text.includes(form))))
  expect(shown(heard)).toEqual([])
  // The same eyes find them in what the two said to each other, once it is opened, and also within base64.
  const opened = (await all(buyer)).map(({ envelope }) => envelope)
  const named = [secrets[0], secrets[2], secrets[4], ...secrets.slice(-2)]
  expect(shown(opened)).toEqual(expect.arrayContaining(named))
  expect(shown(opened.map(text => Buffer.from(text).toString('base64url')))).toEqual(expect.arrayContaining(named))
})

const marketNow = (originMs: number): number =>
  createMarketClock({
    clock: systemClock,
    originMs,
    speed: FAST['market.speed'],
    slotMs: FAST['market.slotMs'],
  }).now()

test('slots to come are sold in a row and bought one by one; what begins at no slot is neither', async () => {
  await using nodes = testNodes()
  const [seller, buyer] = [await nodes.start('seller'), await nodes.start('buyer')]
  await meet(seller, buyer)
  const slotMs = 30 * 86_400_000
  const next = (Math.floor(Date.now() / slotMs) + 1) * slotMs
  const starts = [2, 3, 4].map(ahead => next + ahead * slotMs)
  const [second = 0, third = 0] = starts
  const soldOf = async () =>
    (await buyer.trading.catalogs()).flatMap(({ offers }) => offers.map(({ slot }) => slot.startMs))
  for (let i = 0; i < 30 && (await soldOf()).length === 0; i++) {
    await seller.trading.sell({ energyWh: 1_000, slotStartMs: second, slots: 3 })
    await eventually('heard', async () => (await soldOf()).length > 0, 500).catch(() => undefined)
  }
  expect(await soldOf()).toEqual(starts)

  const need = await buyer.trading.buy({ energyWh: 400, slotStartMs: third })
  await bought(buyer, need.id)
  expect(await seller.trading.trades()).toMatchObject([{ slot: { startMs: third }, energyWh: 400, state: 'active' }])
  // Every slot has its own stock; said again, it is what is left to sell of that slot.
  await seller.trading.sell({ energyWh: 100, slotStartMs: third })
  const known = await seller.trading.catalogs()
  const offered = known.find(({ seller: of }) => of === seller.peerId)?.offers ?? []
  expect(new Map(offered.map(({ slot, availableWh }) => [slot.startMs, availableWh]))).toEqual(
    new Map(starts.map(startMs => [startMs, startMs === third ? 500 : 1_000])),
  )

  for (const slotStartMs of [third + 1, next - slotMs, next + 672 * slotMs]) {
    const refused = expect.objectContaining({ code: 'TRADE_NO_SLOT' })
    await expect(buyer.trading.buy({ energyWh: 400, slotStartMs })).rejects.toEqual(refused)
    await expect(seller.trading.sell({ energyWh: 400, slotStartMs })).rejects.toEqual(refused)
  }
})

test('a buyer whose cheapest seller vanished buys from the next', async () => {
  await using nodes = testNodes()
  const quick = { 'market.stepTimeoutMs': 3_000, 'market.searchMs': 3_000 }
  const [buyer, cheap, dear, silent] = [
    await nodes.start('buyer', quick),
    await nodes.start('cheap', quick),
    await nodes.start('dear', quick),
    await nodes.start('silent', quick),
  ]
  await meet(buyer, cheap, dear, silent)
  await offered(buyer, [cheap, 1_000, 90_000], [dear, 1_000, 110_000], [silent, 1_000, 200_000])
  // The search stays open as long as it waits for somebody.
  await nodes.stop(silent)
  const need = await buyer.trading.buy({ energyWh: 500 })
  const now = () => buyer.trading.need({ id: need.id })
  await eventually('both answered the search', async () => (await now()).answered.length >= 2)
  await nodes.stop(cheap)
  await eventually('the need is met', async () => (await now()).state === 'bought', 40_000)
  const active = (await buyer.trading.trades()).filter(({ state }) => state === 'active')
  expect(active.map(({ counterparty }) => counterparty)).toEqual([dear.peerId])
})

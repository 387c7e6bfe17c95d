import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import type { MessageRow } from '../../src/storage/messages.ts'
import { eventually } from '../support/network-hosts.ts'
import { meet, type TestNode, testNodes } from '../support/nodes.ts'

vi.setConfig({ testTimeout: 60_000 })

const PRICE_MICRO = 123_457
const all = (node: TestNode): MessageRow[] => node.commands.messages({ limit: 10_000 })

/**
 * Everybody offers energy, until the buyer has heard it. A topic carries to those who follow it already, and there is
 * no event that says when the last neighbour does.
 */
async function offered(buyer: TestNode, ...offers: [seller: TestNode, energyWh: number, priceMicro: number][]) {
  const known = (seller: TestNode) => buyer.commands.catalogs().some(catalog => catalog.seller === seller.peerId)
  for (let i = 0; i < 30 && !offers.every(([seller]) => known(seller)); i++) {
    for (const [seller, energyWh, priceMicro] of offers)
      if (!known(seller)) await seller.commands.sell({ energyWh, priceMicro })
    await eventually('heard', () => offers.every(([seller]) => known(seller)), 500).catch(() => undefined)
  }
  expect(offers.map(([seller]) => known(seller))).toEqual(offers.map(() => true))
}

async function bought(buyer: TestNode, needId: string): Promise<void> {
  await eventually('the need is met or given up', () =>
    ['bought', 'failed'].includes(buyer.commands.need(needId)?.state ?? ''),
  )
  expect(buyer.commands.need(needId)).toMatchObject({ state: 'bought' })
}

/** The trade of a node without what is its own business (times). */
function contractOf(node: TestNode, transactionId: string | undefined) {
  const trade = node.commands.trade(transactionId ?? '')
  return { state: trade?.state, contract: trade?.contract }
}

test('a household buys from the cheapest of two, and both sides hold the same contract after each has restarted', async () => {
  await using nodes = testNodes()
  const [seller, dear, buyer] = [await nodes.start('seller'), await nodes.start('dear'), await nodes.start('buyer')]
  await meet(seller, dear, buyer)
  await offered(buyer, [dear, 5_000, PRICE_MICRO + 1], [seller, 5_000, PRICE_MICRO])

  const need = await buyer.commands.buy({ energyWh: 1_500 })
  await bought(buyer, need.id)
  const { transactionId } = buyer.commands.need(need.id) ?? expect.fail('no need')
  await eventually('the status was answered', () => all(buyer).some(({ type }) => type === 'beckn.on_status'))

  const agreed = contractOf(buyer, transactionId)
  expect(agreed.contract?.terms).toMatchObject({ seller: seller.peerId, energyWh: 1_500, priceMicro: PRICE_MICRO })
  expect(contractOf(seller, transactionId)).toEqual(agreed)
  expect(dear.commands.trades(10)).toEqual([])

  await nodes.stop(seller)
  await nodes.stop(buyer)
  const [sellerAgain, buyerAgain] = [await nodes.start('seller'), await nodes.start('buyer')]
  expect(contractOf(sellerAgain, transactionId)).toEqual(agreed)
  expect(contractOf(buyerAgain, transactionId)).toEqual(agreed)
  expect(buyerAgain.commands.need(need.id)).toMatchObject({ state: 'bought' })

  // And what is left is what the seller remembers: 5000 Wh offered, 1500 Wh sold.
  await meet(sellerAgain, buyerAgain)
  const more = await buyerAgain.commands.buy({ energyWh: 3_501, maxPriceMicro: PRICE_MICRO })
  await eventually('that is more than there is', () => buyerAgain.commands.need(more.id)?.state === 'part')
  expect(buyerAgain.commands.need(more.id)).toMatchObject({ boughtWh: 3_500 })
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
  const need = await buyer.commands.buy({ energyWh: 1_234 })
  await bought(buyer, need.id)

  // Everything that was said between the two travelled sealed …
  const said = [...all(buyer), ...all(seller)].filter(({ envelope }) => envelope.includes('0.123457'))
  const steps = said.filter(({ type }) => !['beckn.catalog_publish'].includes(type))
  expect(new Set(steps.map(({ type }) => type)).size).toBeGreaterThanOrEqual(6)
  expect(steps.filter(({ sealed }) => !sealed).map(({ type }) => type)).toEqual([])
  // … and who stood between has kept of it no more than the public catalog and the search.
  const kept = new Set(
    all(between)
      .filter(row => row.direction === 'in')
      .map(({ type }) => type),
  )
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
  const need = await buyer.commands.buy({ energyWh: 500 })
  await eventually('both answered the search', () => (buyer.commands.need(need.id)?.answered.length ?? 0) >= 2)
  await nodes.stop(cheap)
  await eventually('the need is met', () => buyer.commands.need(need.id)?.state === 'bought', 40_000)
  const active = buyer.commands.trades(10).filter(({ state }) => state === 'active')
  expect(active.map(({ counterparty }) => counterparty)).toEqual([dear.peerId])
})

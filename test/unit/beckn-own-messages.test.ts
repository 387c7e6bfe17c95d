import { expect, test } from 'vitest'
import { validateMessage } from '../../src/domains/trading/beckn/rules/validate.ts'
import { createTown, type Party, type Sent } from '../support/two-markets.ts'

/** A trade that is agreed and cancelled, one that is confirmed too late, and catalogs of every source. */
function recorded(): Sent[] {
  const town = createTown(['buyer', 'cheap', 'dear'], { gridFeeMicro: () => 1_000 })
  const [buyer, cheap, dear] = town.parties as [Party, Party, Party]
  town.offer(cheap, { priceMicro: 90_000 })
  town.offer(dear, { priceMicro: 120_000 }, { sourceType: 'GRID', role: 'utility' })
  town.want(buyer)
  town.settle()
  town.pass(1_000)
  town.settle()
  const [agreed] = buyer.store.tradesInState('active')
  if (agreed === undefined) throw new Error('no trade was agreed')
  town.keep(buyer, buyer.trading.cancelTrade(agreed.transactionId))
  town.settle()
  for (const sourceType of ['BATTERY', 'HYBRID', 'RENEWABLE'] as const)
    town.offer(dear, {}, { sourceType, version: town.now() + 1 })
  town.settle()
  town.want(buyer, 1_000)
  town.settle()
  town.pass(1_000)
  town.settle(({ draft }) => draft.type === 'beckn.confirm')
  town.pass(10_000)
  town.settle()
  town.pass(60_000)
  town.settle()
  return town.sent
}

test('what our own peers say in a trade is accepted, each message as the action it claims', () => {
  const sent = recorded()
  const verdicts = sent.map(({ draft }) => {
    const { action } = draft.payload['context'] as { action: string }
    const verdict = validateMessage(draft.payload)
    return verdict.ok ? { said: action, read: verdict.action } : { said: action, ...verdict }
  })
  expect(verdicts).toEqual(verdicts.map(({ said }) => ({ said, read: said })))
  expect(new Set(verdicts.map(({ said }) => said))).toEqual(
    new Set([
      ...['catalog/publish', 'discover', 'on_discover', 'select', 'on_select', 'init', 'on_init'],
      ...['confirm', 'on_confirm', 'status', 'on_status', 'cancel', 'on_cancel'],
    ]),
  )
})

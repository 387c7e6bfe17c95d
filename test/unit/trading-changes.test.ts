import { describe, expect, test } from 'vitest'
import { contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import { CURTAILMENT_REASONS, type Offer } from '../../src/domains/trading/trade.ts'
import type { MessageId } from '../../src/kernel/ids.ts'
import { signedText } from '../../src/protocol/contract.ts'
import { agreedTrade, holdBack, OK, withMessage } from '../support/agreed-trade.ts'
import {
  ALL,
  createTown,
  idOf,
  type Party,
  RESERVATION_MS,
  SEARCH_MS,
  type Sent,
  SLOT,
  STEP_MS,
} from '../support/two-markets.ts'

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}
const nack = (code: string) => ({ status: 'NACK', error: { code } })

describe('a smaller quantity', () => {
  test('is a new revision of the contract, signed by both, and frees the rest', () => {
    const { town, buyer, seller, need, id, bought, sold } = agreedTrade(['other'])
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    expect(bought()).toMatchObject({ energyWh: 1_000, contract: { terms: { revision: 1 } } })
    town.settle()
    expect(bought().contract).toEqual(sold().contract)
    const { terms, signatures } = sold().contract ?? expect.fail('no contract')
    expect(terms).toMatchObject({ revision: 2, energyWh: 600 })
    expect(signatures).toEqual({
      buyer: buyer.identity.sign(signedText(terms)),
      seller: seller.identity.sign(signedText(terms)),
    })
    expect(bought().proposal).toBeUndefined()
    expect(buyer.store.need(need)).toMatchObject({ boughtWh: 600 })
    const other = town.parties[2] as Party
    town.want(other, 400)
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    expect(only(other.store.tradesInState('active')).energyWh).toBe(400)
  })

  test('with the signature of the buyer alone changes nothing, on either side', () => {
    const { town, buyer, seller, id, bought, sold } = agreedTrade()
    const before = sold().contract
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    const update = only(town.take())
    const terms = { ...(before?.terms ?? expect.fail('no terms')), energyWh: 600, revision: 2 }
    const unsigned = contractMessage({ ...terms, status: 'ACTIVE', quoted: true })
    expect(town.deliver(withMessage(update, unsigned), seller)).toMatchObject(nack('AUT_SIGNATURE_INVALID'))
    const twice = { buyer: buyer.identity.sign(signedText(terms)), seller: buyer.identity.sign(signedText(terms)) }
    town.deliver(update, seller)
    const answer = only(town.take())
    // A seller that answers without its own signature.
    const half = contractMessage({ ...terms, status: 'ACTIVE', quoted: true, signatures: twice })
    town.deliver(withMessage(answer, half), buyer)
    expect(bought().contract).toEqual(before)
    town.deliver(answer, buyer)
    expect(bought().contract).toEqual(sold().contract)
    expect(bought().contract?.terms.revision).toBe(2)
  })

  test.each([
    ['more', { energyWh: 1_001 }],
    ['another price', { energyWh: 600, priceMicro: 1 }],
    ['a revision that skips one', { energyWh: 600, revision: 3 }],
  ])('that is %s is refused, though it is signed', (_, change) => {
    const { town, buyer, seller, id, sold } = agreedTrade()
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    const update = only(town.take())
    const before = sold()
    const terms = { ...(before.contract?.terms ?? expect.fail('no terms')), revision: 2, ...change }
    const signatures = { buyer: buyer.identity.sign(signedText(terms)) }
    const message = contractMessage({ ...terms, status: 'ACTIVE', quoted: true, signatures })
    expect(town.deliver(withMessage(update, message), seller)).toMatchObject(nack('BIZ_PRICE_MISMATCH'))
    expect(sold()).toEqual(before)
  })

  test('is possible until the slot begins: by command, and by message', () => {
    const { town, buyer, seller, id, bought, sold } = agreedTrade()
    town.pass(SLOT.startMs - town.now() - 1)
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    const late = only(town.take())
    town.pass(1)
    expect(town.keep(buyer, buyer.trading.reduceTrade(id, 500))).toMatchObject(nack('BIZ_QUOTE_EXPIRED_OR_CHANGED'))
    expect(town.deliver(late, seller)).toMatchObject(nack('BIZ_QUOTE_EXPIRED_OR_CHANGED'))
    expect(sold().contract?.terms.revision).toBe(1)
    expect(bought().refusals).toEqual({ update: 'the change was refused: the slot has begun' })
    expect(bought().energyWh).toBe(1_000)
    expect(bought().reason).toBeUndefined()
    expect(bought().proposal).toBeUndefined()
  })

  test('whose answer was lost is found in the next message that carries the contract', () => {
    const { town, buyer, id, bought, sold } = agreedTrade()
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    holdBack(town, 'on_update')
    expect([bought().energyWh, sold().energyWh]).toEqual([1_000, 600])
    const status = town.sent.find(({ draft }) => draft.type === 'beckn.status') ?? expect.fail('no status')
    town.deliver(status, town.parties[1] as Party)
    town.settle()
    expect(bought().contract).toEqual(sold().contract)
  })

  test('that is not less, or nothing, is no change', () => {
    const { buyer, seller, id } = agreedTrade()
    for (const energyWh of [1_000, 0, -1, 0.5])
      expect(buyer.trading.reduceTrade(id, energyWh).answer).toMatchObject(nack('BIZ_QUANTITY_UNAVAILABLE'))
    expect(seller.trading.reduceTrade(id, 500).answer).toMatchObject(nack('AUT_UNAUTHORIZED_ACTION'))
    expect(buyer.trading.curtailTrade(id, { energyWh: 1, reason: 'OTHER' }).answer).toMatchObject(
      nack('AUT_UNAUTHORIZED_ACTION'),
    )
  })
})

describe('curtailment', () => {
  test.each(CURTAILMENT_REASONS)(
    'for %s is proposed by the seller, signed by the buyer, and kept with its reason',
    reason => {
      const { town, buyer, seller, need, id, bought, sold } = agreedTrade()
      town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 250, reason }))
      expect(sold()).toMatchObject({ energyWh: 1_000, contract: { terms: { revision: 1 } } })
      town.settle()
      expect(sold()).toMatchObject({ energyWh: 250, curtailment: reason, contract: { terms: { revision: 2 } } })
      expect(bought()).toMatchObject({ energyWh: 250, curtailment: reason })
      expect(bought().contract).toEqual(sold().contract)
      expect(buyer.store.need(need)?.steps.at(-1)?.text).toContain(`curtailed, ${reason}`)
      town.pass(5 * SEARCH_MS)
      town.pass(5 * SEARCH_MS)
      expect(buyer.store.need(need)).toMatchObject({ state: 'part', boughtWh: 250 })
    },
  )

  test('the buyer has not signed leaves the contract as it was', () => {
    const { town, seller, buyer, id, bought, sold } = agreedTrade()
    town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 250, reason: 'EMERGENCY' }))
    const proposal = only(town.take())
    const said = readContract(proposal.draft.payload['message'])
    if (typeof said === 'string') expect.fail(said)
    const forged = contractMessage({ ...said, signatures: { seller: buyer.identity.sign('something else') } })
    expect(town.deliver(withMessage(proposal, forged), buyer)).toMatchObject(nack('AUT_SIGNATURE_INVALID'))
    expect([bought().energyWh, sold().energyWh]).toEqual([1_000, 1_000])
  })

  test('after the slot has begun is refused: then the shortfall is settled instead', () => {
    const { town, seller, buyer, id, bought, sold } = agreedTrade()
    town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 250, reason: 'CONGESTION' }))
    const late = only(town.take())
    town.pass(SLOT.startMs - town.now())
    expect(town.deliver(late, buyer)).toMatchObject(nack('BIZ_QUOTE_EXPIRED_OR_CHANGED'))
    expect(bought().energyWh).toBe(1_000)
    expect(sold().proposal).toBeUndefined()
    expect(sold().refusals).toEqual({ update: 'the curtailment was refused: the slot has begun' })
    expect(sold().reason).toBeUndefined()
  })

  test('still stands when an answer to something else did not arrive', () => {
    const { town, seller, id, sold } = agreedTrade()
    town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 250, reason: 'CONGESTION' }))
    const { draft } = only(town.take())
    town.expire({ from: seller, draft: { ...draft, replyTo: crypto.randomUUID() as MessageId } })
    expect(sold().proposal).toMatchObject({ by: 'seller', terms: { energyWh: 250 } })
    town.expire({ from: seller, draft })
    expect(sold().proposal).toBeUndefined()
  })
})

describe('what is curtailed after its need was met', () => {
  /** 1 kWh is agreed with the cheapest of three, and half of it curtailed; what the seller keeps it still offers. */
  function curtailedLate() {
    const town = createTown(['buyer', 'cheap', 'dear', 'other'])
    const [buyer, cheap, dear, other] = town.parties as [Party, Party, Party, Party]
    town.offer(cheap, { priceMicro: 1, availableWh: 2_000 })
    town.offer(dear, { priceMicro: 2 })
    const need = town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    const { transactionId: id } = only(buyer.store.tradesInState('active'))
    town.pass(60_000)
    town.keep(cheap, cheap.trading.curtailTrade(id, { energyWh: 500, reason: 'CONGESTION' }))
    const agreed = () =>
      buyer.store.tradesInState('active').map(({ counterparty, energyWh }) => [counterparty, energyWh])
    return { town, buyer, cheap, dear, other, need, id, agreed }
  }

  test('is searched for again and bought of somebody else', () => {
    const { town, buyer, cheap, dear, need, agreed } = curtailedLate()
    town.settle()
    expect(buyer.store.need(need)).toMatchObject({ state: 'searching', energyWh: 1_000, boughtWh: 500 })
    town.pass(SEARCH_MS)
    town.settle()
    expect(agreed()).toEqual([
      [cheap.self, 500],
      [dear.self, 500],
    ])
    expect(buyer.store.need(need)).toMatchObject({ state: 'bought', boughtWh: 1_000 })
  })

  test('is searched for as long as it was at first, and asked for again when nobody answers', () => {
    const { town, buyer, need } = curtailedLate()
    holdBack(town, 'discover')
    town.pass(SEARCH_MS)
    expect(buyer.store.need(need)?.state).toBe('searching')
    expect(buyer.store.need(need)?.steps.at(-1)?.text).toBe('nobody has answered yet: asks again')
  })

  test('and then given up is bought nowhere: its need wants that much less', () => {
    const { town, buyer, dear, need, id, agreed } = curtailedLate()
    town.settle()
    town.keep(buyer, buyer.trading.cancelTrade(id))
    town.settle()
    expect(buyer.store.need(need)).toMatchObject({ state: 'searching', energyWh: 500, boughtWh: 0 })
    town.pass(SEARCH_MS)
    town.settle()
    expect(agreed()).toEqual([[dear.self, 500]])
  })

  test('is all that is bought, and nothing of what its buyer had given up before', () => {
    const { town, buyer, seller, need, id, others } = agreedTrade(['dear'])
    town.offer(others[0] as Party, { priceMicro: 200_000 })
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    town.settle()
    expect(buyer.store.need(need)?.state).toBe('part')
    town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 500, reason: 'OTHER' }))
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    expect(buyer.store.tradesInState('active').map(({ energyWh }) => energyWh)).toEqual([500, 100])
    expect(buyer.store.need(need)).toMatchObject({ state: 'bought', energyWh: 600, boughtWh: 600 })
  })
})

test('of two changes proposed at once the one about less stands, on both sides', () => {
  for (const [mine, theirs] of [
    [600, 250],
    [250, 600],
  ] as const) {
    const { town, buyer, seller, id, bought, sold } = agreedTrade()
    town.keep(buyer, buyer.trading.reduceTrade(id, mine))
    town.keep(seller, seller.trading.curtailTrade(id, { energyWh: theirs, reason: 'OTHER' }))
    town.settle()
    expect([bought().energyWh, sold().energyWh]).toEqual([250, 250])
    expect(bought().contract).toEqual(sold().contract)
    expect(bought().contract?.terms.revision).toBe(2)
  }
})

describe('cancel', () => {
  test('with try answers the terms and changes nothing', () => {
    const { town, buyer, id, bought, sold } = agreedTrade()
    const before = sold()
    town.keep(buyer, buyer.trading.askCancelTerms(id))
    town.settle()
    expect(sold()).toEqual(before)
    expect(bought()).toMatchObject({ state: 'active', cancelTerms: { feeMicro: 0, untilMs: SLOT.startMs } })
    const [asked, answered] = town.sent.slice(-2).map(({ draft }) => draft.payload['context'])
    expect([asked, answered]).toMatchObject([
      { action: 'cancel', try: true },
      { action: 'on_cancel', try: true },
    ])
  })

  test('of a trade the seller has not heard of is answered, and the select it overtook begins nothing', () => {
    const town = createTown(['buyer', 'seller'])
    const [buyer, seller] = town.parties as [Party, Party]
    town.offer(seller)
    const need = town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const select = only(town.take())
    const { transactionId } = only(buyer.store.trades(ALL))
    town.keep(buyer, buyer.trading.cancelTrade(transactionId))
    town.settle()
    expect(buyer.store.purchase(transactionId)?.state).toBe('cancelled')
    expect(buyer.store.need(need)?.state).toBe('failed')
    expect(town.deliver(select, seller)).toMatchObject(nack('BIZ_ALREADY_CANCELLED'))
    expect(seller.store.trades(ALL)).toEqual([])
  })

  test('of one of several trades for a need takes its energy off what was bought', () => {
    const town = createTown(['buyer', 'a', 'b'])
    const [buyer, a, b] = town.parties as [Party, Party, Party]
    town.offer(a, { priceMicro: 1, availableWh: 300 })
    town.offer(b, { priceMicro: 2 })
    const need = town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    town.settle()
    const cancelled = (seller: string) => {
      const trade = buyer.store.tradesOfNeed(need).find(({ counterparty }) => counterparty === idOf(seller))
      town.keep(buyer, buyer.trading.cancelTrade(trade?.transactionId ?? expect.fail('no trade')))
      town.settle()
      return buyer.store.need(need)
    }
    expect(cancelled('a')).toMatchObject({ state: 'part', boughtWh: 700 })
    expect(cancelled('b')).toMatchObject({ state: 'failed', boughtWh: 0 })
  })

  /** A buyer that is in a trade with `cheap`, for what that has; `dear` has all it wants. */
  function underWay(lost: string, availableWh = 1_000) {
    const town = createTown(['buyer', 'cheap', 'dear'])
    const [buyer, cheap, dear] = town.parties as [Party, Party, Party]
    town.offer(cheap, { priceMicro: 1, availableWh })
    town.offer(dear, { priceMicro: 2 })
    const need = town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const held = holdBack(town, lost)
    const { transactionId: id } = only(buyer.store.trades(ALL))
    return { town, buyer, cheap, dear, need, id, held }
  }

  test.each(['on_select', 'on_init'])(
    'before anything is signed ends the need at once, whatever the seller says or does not say (%s)',
    lost => {
      const { town, buyer, cheap, need, id, held } = underWay(lost)
      town.keep(buyer, buyer.trading.cancelTrade(id))
      expect(buyer.store.purchase(id)).toMatchObject({ state: 'cancelled', reason: 'cancelled at your wish' })
      const [cancel] = town.take()
      expect(town.deliver(only(held), buyer)).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
      town.expire(cancel ?? expect.fail('no cancel'))
      town.pass(60_000)
      town.settle()
      expect(only(buyer.store.trades(ALL))).toMatchObject({ state: 'cancelled', reason: 'cancelled at your wish' })
      expect(buyer.store.need(need)).toMatchObject({ state: 'failed', reason: 'cancelled at your wish' })
      expect(cheap.store.tradesInState('active')).toEqual([])
    },
  )

  test('that overtakes the confirm does not send the buyer to the next seller', () => {
    const { town, buyer, cheap, need, id, held } = underWay('confirm')
    town.keep(buyer, buyer.trading.cancelTrade(id))
    expect(buyer.store.purchase(id)?.state).toBe('confirming')
    holdBack(town, 'on_cancel')
    expect(town.deliver(only(held), cheap)).toMatchObject(nack('BIZ_ALREADY_CANCELLED'))
    town.pass(60_000)
    town.settle()
    expect(only(buyer.store.trades(ALL)).state).toBe('refused')
    expect(buyer.store.need(need)?.state).toBe('failed')
  })

  test('of a trade whose reservation ran out does not send the buyer to the next seller', () => {
    const { town, buyer, cheap, need, id } = underWay('confirm')
    town.keep(buyer, buyer.trading.cancelTrade(id))
    const cancel = only(town.take())
    town.pass(STEP_MS + RESERVATION_MS)
    town.settle()
    expect(only(buyer.store.trades(ALL)).state).toBe('expired')
    expect(buyer.store.need(need)?.state).toBe('failed')
    // It comes late, and changes nothing on either side.
    expect(town.deliver(cancel, cheap).status).toBe('ACK')
    town.settle()
    expect([buyer, cheap].map(({ store }) => only(store.trades(ALL)).state)).toEqual(['expired', 'expired'])
    expect(buyer.store.purchase(id)?.asking).toEqual({})
  })

  test('that crosses the seller’s signature ends the trade, and nothing more is bought', () => {
    const { town, buyer, cheap, need, id, held } = underWay('on_confirm', 600)
    town.keep(buyer, buyer.trading.cancelTrade(id))
    const answers = holdBack(town, 'on_cancel')
    expect(only(cheap.store.trades(ALL)).state).toBe('cancelled')
    town.deliver(only(held), buyer)
    expect(only(buyer.store.trades(ALL)).state).toBe('active')
    for (const answer of answers) town.deliver(answer, buyer)
    town.settle()
    expect(only(buyer.store.trades(ALL))).toMatchObject({ state: 'cancelled' })
    expect(buyer.store.need(need)).toMatchObject({ state: 'failed', boughtWh: 0 })
  })

  /** 600 Wh of `a` are agreed, `b` has not answered yet for the other 400, and `c` has plenty. `more`: what else `a` has. */
  function splitNeed(more: readonly Offer[] = []) {
    const town = createTown(['buyer', 'a', 'b', 'c'])
    const [buyer, a, b, c] = town.parties as [Party, Party, Party, Party]
    const first: Offer = { offerId: 'first', slot: SLOT, priceMicro: 1, availableWh: 600 }
    town.offer(a, {}, { offers: [first, ...more] })
    town.offer(b, { priceMicro: 2, availableWh: 400 })
    town.offer(c, { priceMicro: 4 })
    const need = town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const held: Sent[] = []
    town.settle(sent => sent.from === b && sent.draft.type === 'beckn.on_select' && held.push(sent) > 0)
    const { transactionId: id } = only(buyer.store.tradesInState('active'))
    const goOn = () => {
      town.deliver(only(held), buyer)
      town.settle()
      return buyer.store.tradesInState('active').map(({ counterparty, energyWh }) => [counterparty, energyWh])
    }
    return { town, buyer, a, b, c, need, id, goOn }
  }

  test('of one part while another is being bought: it is not bought again elsewhere', () => {
    const { town, buyer, b, need, id, goOn } = splitNeed()
    town.keep(buyer, buyer.trading.cancelTrade(id))
    town.settle()
    expect(buyer.store.need(need)).toMatchObject({ state: 'trading', energyWh: 400, boughtWh: 0 })
    expect(goOn()).toEqual([[b.self, 400]])
    expect(buyer.store.need(need)).toMatchObject({ state: 'bought', boughtWh: 400 })
  })

  test('or less of one part, at the buyer’s wish: neither is that; what a seller curtails is', () => {
    const own = splitNeed()
    own.town.keep(own.buyer, own.buyer.trading.reduceTrade(own.id, 500))
    own.town.settle()
    expect(own.goOn()).toEqual([
      [own.a.self, 500],
      [own.b.self, 400],
    ])
    expect(own.buyer.store.need(own.need)).toMatchObject({ state: 'bought', energyWh: 900, boughtWh: 900 })

    const theirs = splitNeed()
    theirs.town.keep(theirs.a, theirs.a.trading.curtailTrade(theirs.id, { energyWh: 500, reason: 'OTHER' }))
    theirs.town.settle()
    expect(theirs.goOn().map(([, energyWh]) => energyWh)).toEqual([500, 400, 100])
  })

  test('is not bought of whoever curtails it, whatever else that has', () => {
    const { town, a, b, c, id, goOn } = splitNeed([
      { offerId: 'second', slot: SLOT, priceMicro: 3, availableWh: 1_000 },
    ])
    town.keep(a, a.trading.curtailTrade(id, { energyWh: 500, reason: 'OTHER' }))
    town.settle()
    expect(goOn()).toEqual([
      [a.self, 500],
      [b.self, 400],
      [c.self, 100],
    ])
  })

  test('and less of a part that was curtailed before: only what was curtailed is bought elsewhere', () => {
    const { town, buyer, a, b, c, need, id, goOn } = splitNeed()
    town.keep(a, a.trading.curtailTrade(id, { energyWh: 500, reason: 'OTHER' }))
    town.settle()
    town.keep(buyer, buyer.trading.reduceTrade(id, 300))
    town.settle()
    expect(goOn()).toEqual([
      [a.self, 300],
      [b.self, 400],
      [c.self, 100],
    ])
    expect(buyer.store.need(need)).toMatchObject({ state: 'bought', energyWh: 800, boughtWh: 800 })
  })

  test('that is refused is told, and the trade stands', () => {
    const { town, buyer, seller, id, bought, sold } = agreedTrade()
    town.pass(SLOT.startMs - town.now() - 1)
    town.keep(buyer, buyer.trading.cancelTrade(id))
    const cancel = only(town.take())
    town.pass(1)
    expect(town.deliver(cancel, seller)).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
    expect([bought().state, sold().state]).toEqual(['active', 'active'])
    expect(bought().refusals).toEqual({ cancel: 'the cancellation was refused: delivery has begun' })
    expect(bought().reason).toBeUndefined()
    expect(bought().asking?.cancel).toBeUndefined()
  })

  test('nobody has acknowledged may have arrived all the same: its answer is still taken, and so is a status', () => {
    for (const lost of ['none', 'on_cancel']) {
      const { town, buyer, seller, id, bought, sold } = agreedTrade()
      town.keep(buyer, buyer.trading.cancelTrade(id))
      const cancel = only(town.take())
      town.deliver(cancel, seller)
      town.expire(cancel)
      expect(bought()).toMatchObject({ state: 'active', asking: { cancel: {} } })
      expect(bought().refusals?.cancel).toContain('not acknowledged in time')
      holdBack(town, lost)
      // Asked for the delivery, the seller says that there is none.
      town.pass(SLOT.startMs + SLOT.durationMs - town.now())
      buyer.meter = OK(1_000, 0)
      for (let i = 0; i < 4; i++) {
        town.pass(60_000)
        town.settle()
      }
      expect([bought().state, sold().state]).toEqual(['cancelled', 'cancelled'])
    }
  })

  test('is not what a seller makes of the question for its terms', () => {
    const { town, buyer, seller, id, bought } = agreedTrade()
    town.keep(buyer, buyer.trading.askCancelTerms(id))
    const [answer] = holdBack(town, 'on_cancel')
    if (answer === undefined) expect.fail('no answer')
    const { try: _, ...context } = answer.draft.payload['context'] as Record<string, string>
    const terms = bought().contract?.terms ?? expect.fail('no contract')
    const payload = { context, message: contractMessage({ ...terms, status: 'CANCELLED', quoted: true }) }
    const ended = { ...answer, draft: { ...answer.draft, payload } } as Sent
    expect(town.deliver(ended, buyer)).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
    expect(bought().state).toBe('active')
    expect(town.deliver(answer, buyer).status).toBe('ACK')
    expect(bought()).toMatchObject({ state: 'active', cancelTerms: { feeMicro: 0 } })
    expect(seller.store.tradesInState('active')).toHaveLength(1)
  })
})

describe('a preview', () => {
  const previewed = (sent: Sent): Sent => {
    const { context, message } = sent.draft.payload as { context: object; message: object }
    return { ...sent, draft: { ...sent.draft, payload: { context: { ...context, try: true }, message } as never } }
  }

  test.each(['select', 'init', 'confirm', 'status'])(
    'of a %s there is none: it is refused, and nothing happens',
    step => {
      const town = createTown(['buyer', 'seller'])
      const [buyer, seller] = town.parties as [Party, Party]
      town.offer(seller)
      town.want(buyer)
      town.settle()
      town.pass(SEARCH_MS)
      const asked = only(holdBack(town, step))
      const before = seller.store.trades(ALL)
      expect(town.deliver(previewed(asked), seller)).toMatchObject(nack('CTX_ACTION_MISMATCH'))
      expect(seller.store.trades(ALL)).toEqual(before)
    },
  )

  test('of an update says what the contract would be, unsigned, and changes nothing on either side', () => {
    const { town, buyer, seller, id, bought, sold } = agreedTrade()
    const before = sold()
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    expect(town.deliver(previewed(only(town.take())), seller).status).toBe('ACK')
    expect(sold()).toEqual(before)
    const answer = only(town.take())
    expect(answer.draft.payload['context']).toMatchObject({ action: 'on_update', try: true })
    const said = readContract(answer.draft.payload['message'])
    if (typeof said === 'string') expect.fail(said)
    expect(said).toMatchObject({ energyWh: 600, revision: 2 })
    expect(said.signatures).toEqual({})
    town.deliver(answer, buyer)
    expect(bought().contract?.terms.revision).toBe(1)
  })

  test('of an update that would be refused is refused', () => {
    const { town, buyer, seller, id } = agreedTrade()
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    const update = only(town.take())
    town.pass(SLOT.startMs - town.now())
    const { draft } = previewed(update)
    const context = { ...(draft.payload['context'] as object), timestamp: new Date(town.now()).toISOString() }
    const now = { ...update, draft: { ...draft, payload: { ...draft.payload, context } } }
    expect(town.deliver(now, seller)).toMatchObject(nack('BIZ_QUOTE_EXPIRED_OR_CHANGED'))
  })

  test('of a settlement is refused: it would be a signature', () => {
    const { town, seller, sold, deliver } = agreedTrade()
    deliver(OK(1_000, 0), OK(0, 1_000))
    const settle = only(holdBack(town, 'update'))
    expect(town.deliver(previewed(settle), seller)).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
    expect(sold().state).toBe('active')
    expect(town.deliver(settle, seller).status).toBe('ACK')
    expect(sold().state).toBe('settled')
  })

  test('of a rating or of support changes nothing, and its answer is no answer to the real one', () => {
    const { town, buyer, seller, id, bought, sold, deliver } = agreedTrade()
    deliver(OK(1_000, 0), OK(0, 1_000))
    town.settle()
    town.keep(buyer, buyer.trading.rateTrade(id, { stars: 4 }))
    town.keep(buyer, buyer.trading.askSupport(id))
    for (const asked of town.take()) expect(town.deliver(previewed(asked), seller).status).toBe('ACK')
    expect(sold().rating).toBeUndefined()
    for (const answer of town.take()) {
      expect(answer.draft.payload['context']).toMatchObject({ try: true })
      expect(town.deliver(answer, buyer)).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
    }
    expect([bought().rating, bought().support]).toEqual([undefined, undefined])
  })

  test('is not what was asked: an answer that calls itself one is none, though it names the real request', () => {
    const { town, buyer, id, bought, deliver } = agreedTrade()
    const refusesPreview = (action: string) => {
      const before = bought()
      const answer = only(holdBack(town, action))
      expect(town.deliver(previewed(answer), buyer)).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
      expect(bought()).toEqual(before)
      expect(town.deliver(answer, buyer).status).toBe('ACK')
    }
    town.keep(buyer, buyer.trading.reduceTrade(id, 600))
    refusesPreview('on_update')
    expect(bought().contract?.terms).toMatchObject({ energyWh: 600, revision: 2 })
    town.keep(buyer, buyer.trading.askSupport(id))
    refusesPreview('on_support')
    expect(bought().support).toBeDefined()
    deliver(OK(600, 0), OK(0, 600))
    town.settle()
    town.keep(buyer, buyer.trading.rateTrade(id, { stars: 4 }))
    refusesPreview('on_rate')
    expect(bought().rating).toEqual({ stars: 4 })
  })
})

describe('after the sale', () => {
  const progress = (sent: readonly Sent[]) => sent.filter(({ draft }) => draft.type === 'beckn.on_track').length

  test('tracking tells where the delivery stands: before, running, delivered, settled', () => {
    const { town, buyer, id, bought, deliver } = agreedTrade()
    const track = () => {
      town.keep(buyer, buyer.trading.trackTrade(id))
      town.settle()
      return bought().progress
    }
    expect(track()).toEqual({ phase: 'before', atMs: town.now() })
    town.pass(SLOT.startMs - town.now())
    expect(track()).toMatchObject({ phase: 'running' })
    deliver(undefined, OK(0, 800))
    town.settle()
    expect(track()).toMatchObject({ phase: 'delivered', meteredWh: 800 })
    deliver(OK(900, 0), OK(0, 800))
    town.pass(60_000)
    town.settle()
    expect(track()).toMatchObject({ phase: 'settled', meteredWh: 800 })
    expect(progress(town.sent)).toBe(4)
  })

  test('a settled trade is rated with stars and words, which both keep; one that is not settled is not', () => {
    const { town, buyer, seller, id, bought, sold, deliver } = agreedTrade()
    expect(buyer.trading.rateTrade(id, { stars: 5 }).answer).toMatchObject(nack('BIZ_INVALID_STATE_TRANSITION'))
    deliver(OK(1_000, 0), OK(0, 1_000))
    town.settle()
    for (const stars of [0, 6, 1.5])
      expect(buyer.trading.rateTrade(id, { stars }).answer).toMatchObject(nack('SCH_INVALID'))
    town.keep(buyer, buyer.trading.rateTrade(id, { stars: 4, words: 'sunny' }))
    town.settle()
    expect(sold().rating).toEqual({ stars: 4, words: 'sunny' })
    expect(bought().rating).toEqual({ stars: 4, words: 'sunny' })
    expect(seller.trading.rateTrade(id, { stars: 4 }).answer).toMatchObject(nack('AUT_UNAUTHORIZED_ACTION'))
  })

  test('support names the operator’s daemon', () => {
    const { town, buyer, seller, id, bought } = agreedTrade()
    town.keep(buyer, buyer.trading.askSupport(id))
    town.settle()
    expect(bought().support).toEqual({ name: 'seller', peer: seller.self })
  })

  test('what was asked and not answered is told, and can be asked again', () => {
    const { town, buyer, id, bought, deliver } = agreedTrade()
    town.keep(buyer, buyer.trading.askCancelTerms(id))
    town.expire(only(town.take()))
    expect(bought().refusals?.terms).toBe(
      'the question what a cancellation costs was not answered: not acknowledged in time',
    )
    expect(bought().asking).toEqual({})
    deliver(OK(1_000, 0), OK(0, 1_000))
    town.settle()
    const asks = {
      track: ['the tracking', () => buyer.trading.trackTrade(id)],
      rate: ['the rating', () => buyer.trading.rateTrade(id, { stars: 4 })],
      support: ['the request for support', () => buyer.trading.askSupport(id)],
    } as const
    for (const [question, [what, ask]] of Object.entries(asks)) {
      town.keep(buyer, ask())
      expect(Object.keys(bought().asking ?? {})).toHaveLength(1)
      town.expire(only(town.take()))
      expect(bought().refusals).toMatchObject({ [question]: `${what} was not answered: not acknowledged in time` })
      expect(bought().asking).toEqual({})
    }
    expect(Object.keys(bought().refusals ?? {})).toEqual(['terms', ...Object.keys(asks)])
    // Asked again, each is forgotten; none of them is why the trade is as it is.
    for (const [, ask] of Object.values(asks)) town.keep(buyer, ask())
    expect(Object.keys(bought().refusals ?? {})).toEqual(['terms'])
    town.settle()
    expect(bought()).toMatchObject({ state: 'settled', rating: { stars: 4 }, support: { name: 'seller' } })
    expect(bought().reason).toBeUndefined()
  })

  test('an answer nobody asked for is refused', () => {
    const { town, buyer, id, bought } = agreedTrade()
    town.keep(buyer, buyer.trading.trackTrade(id))
    const [answer] = holdBack(town, 'on_track')
    if (answer === undefined) expect.fail('no answer')
    const context = answer.draft.payload['context'] as Record<string, object>
    const digest = { digest: `BLAKE-512=${Buffer.from('another request').toString('base64')}` }
    const forged = { ...answer.draft.payload, context: { ...context, requestDigest: digest } } as never
    const refusal = nack('BIZ_INVALID_STATE_TRANSITION')
    expect(town.deliver({ ...answer, draft: { ...answer.draft, payload: forged } }, buyer)).toMatchObject(refusal)
    expect(bought().progress).toBeUndefined()
    expect(town.deliver(answer, buyer).status).toBe('ACK')
    expect(town.deliver(answer, buyer)).toMatchObject(refusal)
  })
})

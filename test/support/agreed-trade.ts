import { contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import type { Trade } from '../../src/domains/trading/trade.ts'
import type { TransactionId } from '../../src/kernel/ids.ts'
import type { Metered } from '../../src/protocol/contract.ts'
import { createTown, type Party, SEARCH_MS, type Sent, SLOT } from './two-markets.ts'

export const OK = (importWh: number, exportWh: number): Metered => ({ importWh, exportWh, quality: 'OK' })

/** A town in which one buyer has an agreed trade of 1 kWh at 0.1 with one seller, for `SLOT`. */
export function agreedTrade(names: readonly string[] = []) {
  const town = createTown(['buyer', 'seller', ...names])
  const [buyer, seller, ...others] = town.parties as [Party, Party, ...Party[]]
  town.offer(seller)
  const need = town.want(buyer)
  town.settle()
  town.pass(SEARCH_MS)
  town.settle()
  const [agreed] = buyer.store.tradesInState('active')
  if (agreed === undefined) throw new Error('no trade was agreed')
  const id: TransactionId = agreed.transactionId
  const look = (trade: Trade | undefined): Trade => {
    if (trade === undefined) throw new Error('the trade is gone')
    return trade
  }
  return {
    town,
    buyer,
    seller,
    others,
    need,
    id,
    bought: () => look(buyer.store.purchase(id)),
    sold: () => look(seller.store.sale(id, buyer.self)),
    /** Both meters know the slot, and it is over. */
    deliver(bought: Metered | undefined, sold: Metered | undefined): void {
      buyer.meter = bought
      seller.meter = sold
      town.pass(SLOT.startMs + SLOT.durationMs - town.now())
    },
  }
}

/** The town settles, but the messages of that action are held back. */
export function holdBack(town: ReturnType<typeof createTown>, action: string): Sent[] {
  const held: Sent[] = []
  town.settle(sent => sent.draft.type === `beckn.${action}` && held.push(sent) > 0)
  return held
}

/** A buyer's message as another peer would send it for itself: its context and its contract name that peer. */
export function asBuyer(buyer: Party, { draft }: Sent): Sent {
  const said = readContract(draft.payload['message'])
  if (typeof said === 'string') throw new Error(said)
  const context = { ...(draft.payload['context'] as object), senderId: buyer.identity.did, bapId: buyer.self }
  return {
    from: buyer,
    draft: { ...draft, payload: { context, message: contractMessage({ ...said, buyer: buyer.self }) } },
  }
}

/** The same message with other things in its body; its context as it was. */
export function withMessage(sent: Sent, message: object): Sent {
  return { ...sent, draft: { ...sent.draft, payload: { ...sent.draft.payload, message: message as never } } }
}

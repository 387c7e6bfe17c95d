import type { PeerId } from '../../kernel/ids.ts'
import type { Slot } from '../../kernel/slot.ts'
import type { Receipt } from '../../protocol/contract.ts'
import type { LedgerBatch } from './ledger.ts'
import type { Statement, StatementProposal } from './signed-statement.ts'

/** A contract that binds this peer, whichever market it comes from, as far as the books care. */
export interface AgreedContract {
  readonly contractId: string
  readonly role: 'buyer' | 'seller'
  readonly counterparty: PeerId
  readonly slot: Slot
  readonly energyWh: number
  readonly priceMicro: number
}

/** What can become true in the books. */
export type BooksFact =
  | { readonly kind: 'books.agreed'; readonly contract: AgreedContract }
  /** Both have taken it back before its slot began. */
  | { readonly kind: 'books.released'; readonly counterparty: PeerId; readonly contractId: string }
  | { readonly kind: 'books.entry'; readonly batch: LedgerBatch }
  | { readonly kind: 'books.receipt'; readonly receipt: Receipt }
  | { readonly kind: 'books.statement'; readonly counterparty: PeerId; readonly statement: Statement }
  | { readonly kind: 'books.proposal'; readonly counterparty: PeerId; readonly proposal: StatementProposal }

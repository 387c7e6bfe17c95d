import { defineDomain } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Draft, Sealed } from '../../kernel/outcome.ts'
import type { Slot } from '../../kernel/slot.ts'
import type { Allocation, Contract, Metered, Receipt, Settlement } from '../../protocol/contract.ts'
import { allocate, throughMeter } from './allocation.ts'
import { booksCommands } from './commands.ts'
import { type BooksContext, type BooksNeeds, options } from './context.ts'
import { creditLeftMicro, type OpenSale } from './credit.ts'
import type { AgreedContract } from './facts.ts'
import { batchOf, neighbourAccount } from './ledger.ts'
import { createPayments } from './payments.ts'
import { createReceipts } from './receipts.ts'
import { reckon } from './settle.ts'
import { createStatements } from './statements.ts'
import { type BooksRead, booksMigrations, booksStore } from './store.ts'

/** Who owes whom: it settles a contract of two parties, whichever market it comes from. */
export const booksDomain = defineDomain({
  name: 'books',
  options,
  migrations: booksMigrations,
  commands: booksCommands,
  topics: { receipts: 'zone' },
  store: (db, tools, { storage }) => booksStore(db, tools, { receiptDays: storage.journalDays }),
  open(context: BooksContext, needs: BooksNeeds) {
    const { store, self, now, seal, commit } = context
    const receipts = createReceipts(context)
    const statements = createStatements(context, needs)
    const payments = createPayments(context, needs)

    return {
      run: {
        ledger: ({ limit }) => ledger(context, needs, limit),
        async net({ peer }) {
          await commit(() => statements.netWith(peer))
          return {}
        },
        async paid({ peer, micro }) {
          await commit(() => payments.paidBy(peer, micro))
          return {}
        },
        receipts: ({ limit }) => store.receipts(limit),
      },
      messages: new Map([receipts.row, ...statements.rows, payments.row]),
      tells: {
        'books.entry': ({ batch: { id, counterparty, description } }) => ({
          event: 'entry.booked',
          data: { id, counterparty, description },
        }),
      },
      gives: {
        /** A contract binds this peer, or is about other energy than before. */
        agreed: (contract: AgreedContract): Sealed => seal({ kind: 'books.agreed', contract }),
        /** Both have taken a contract back. */
        released: (counterparty: PeerId, contractId: string): Sealed =>
          seal({ kind: 'books.released', counterparty, contractId }),
        traded: (slot: Slot) => traded(store, slot),
        unsettledBetween: store.unsettledBetween,
        agreedOfSlot: store.agreedOfSlot,
        receipts: store.receipts,
        /** What a peer without a house delivers and takes: all that was agreed. */
        asTraded: (slot: Slot): Metered => asTraded(store, slot),
        /** The share of a slot's reading that belongs to one of its contracts. */
        allocated: (contract: ContractOfSlot, metered: Metered) => allocated(store, contract, metered),
        reckon,
        /** A contract is settled: the entry, the receipt, and by its buyer the word to everybody. */
        settled(contract: Contract, settlement: Settlement, receipt: Receipt): { facts: Sealed[]; messages: Draft[] } {
          const batch = batchOf(contract.terms, settlement, self, now())
          const isBuyer = contract.terms.buyer === self
          return {
            facts: [seal({ kind: 'books.entry', batch }), seal({ kind: 'books.receipt', receipt })],
            messages: isBuyer ? [receipts.published(receipt)] : [],
          }
        },
        creditLeftMicro: (buyer: PeerId, reserved: readonly OpenSale[]) => creditLeft(context, buyer, reserved),
      },
    }
  },
})

interface ContractOfSlot {
  readonly contractId: string
  readonly role: 'buyer' | 'seller'
  readonly slot: Slot
}

function traded(store: BooksRead, { startMs }: Slot): { boughtWh: number; soldWh: number } {
  const sum = { boughtWh: 0, soldWh: 0 }
  for (const { role, energyWh } of store.agreedOfSlot(startMs))
    sum[role === 'buyer' ? 'boughtWh' : 'soldWh'] += energyWh
  return sum
}

function asTraded(store: BooksRead, slot: Slot): Metered {
  const { boughtWh, soldWh } = traded(store, slot)
  return { importWh: boughtWh, exportWh: soldWh, quality: 'OK' }
}

function allocated(
  store: BooksRead,
  { contractId, role, slot }: ContractOfSlot,
  metered: Metered,
): Allocation | undefined {
  const shares = store
    .agreedOfSlot(slot.startMs)
    .filter(one => one.role === role && one.slot.durationMs === slot.durationMs)
  const { importWh, exportWh, quality } = throughMeter(metered, traded(store, slot))
  return allocate(role === 'seller' ? exportWh : importWh, quality, shares).get(contractId)
}

/** What a neighbour may still buy on credit: sales that are reserved or agreed, and not settled yet, count. */
function creditLeft({ store, options }: BooksContext, buyer: PeerId, reserved: readonly OpenSale[]): number {
  // A utility supplies whoever asks; who does not pay is a matter for its lawyers.
  if (options.roles.includes('utility')) return Number.MAX_SAFE_INTEGER
  const agreed = store.unsettled().filter(one => one.role === 'seller' && one.counterparty === buyer)
  const balanceMicro = store.accountMicro(neighbourAccount(buyer))
  return creditLeftMicro(options.household.creditMicro, balanceMicro, [...agreed, ...reserved])
}

function ledger({ store, options }: BooksContext, needs: BooksNeeds, limit: number) {
  const balances = store.accounts()
  const batches = store.batches(limit).toReversed()
  return {
    currency: options.market.currency,
    balances,
    neighbours: neighbours(store, needs, options.household.creditMicro),
    batches,
    sumMicro: balances.reduce((sum, { micro }) => sum + micro, 0),
    unbalanced: batches.filter(({ postings }) => postings.reduce((sum, { micro }) => sum + micro, 0) !== 0).length,
  }
}

/** Everybody this peer has an account or an open contract with. */
function neighbours(store: BooksRead, { nameOf }: BooksNeeds, limitMicro: number) {
  const prefix = neighbourAccount('' as PeerId)
  const open = store.unsettled()
  const booked = store
    .accounts()
    .flatMap(({ account }) => (account.startsWith(prefix) ? [account.slice(prefix.length)] : []))
  const peers = new Set([...(booked as PeerId[]), ...open.map(({ counterparty }) => counterparty)])
  return [...peers].map(peer => ({
    peer,
    name: nameOf(peer),
    balanceMicro: store.accountMicro(neighbourAccount(peer)),
    limitMicro,
    unsettledWh: open.filter(one => one.counterparty === peer).reduce((sum, { energyWh }) => sum + energyWh, 0),
  }))
}

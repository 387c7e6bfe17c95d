import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { creditLeftMicro } from '../../src/domains/books/credit.ts'
import { balanceWith, batchOf, type LedgerBatch } from '../../src/domains/books/ledger.ts'
import { receiptBody, receiptIsGood, receiptSchema } from '../../src/domains/books/receipt.ts'
import { settle } from '../../src/domains/books/settle.ts'
import {
  proposalSchema,
  type Statement,
  type StatementProposal,
  statementId,
  statementIsGood,
  statementSchema,
  statementText,
} from '../../src/domains/books/signed-statement.ts'
import {
  agreeStatement,
  type Books,
  objectionToAgreed,
  openSettlements,
  paymentOf,
  proposeStatement,
} from '../../src/domains/books/statement.ts'
import type { PeerId, TransactionId } from '../../src/kernel/ids.ts'
import { type Contract, type Receipt, receiptText, signedText, type Terms } from '../../src/protocol/contract.ts'
import { identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'

const people = [1, 2, 3].map(n => identityFromSeed(new Uint8Array(32).fill(n)))
// The smaller peer id first: some rules look at it.
const [ann, bob, eve] = people.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1)) as [
  (typeof people)[0],
  (typeof people)[0],
  (typeof people)[0],
]
const verify = (peer: PeerId, text: string, signature: string): boolean =>
  verifySignature(peer, text, signature) === true

/** Ann buys `energyWh` from Bob, or sells it to him. */
function deal(contractId: string, energyWh: number, annBuys = true) {
  const terms: Terms = {
    contractId,
    transactionId: contractId as TransactionId,
    buyer: annBuys ? ann.peerId : bob.peerId,
    seller: annBuys ? bob.peerId : ann.peerId,
    offerId: 'o',
    slot: { startMs: 1_000, durationMs: 900_000 },
    energyWh,
    priceMicro: 100_000,
    gridFeeMicro: 0,
    currency: 'USD',
    revision: 1,
    shortfall: { utilityPriceMicro: 250_000, penaltyMicro: 0, tolerancePercent: 10 },
  }
  const allocation = { energyWh, quality: 'OK' } as const
  return { terms, settlement: settle(terms, { buyer: allocation, seller: allocation }) }
}

function agreedDeal(): { contract: Contract; receipt: Receipt } {
  const { terms, settlement } = deal('c-1', 1_500)
  const text = signedText(terms)
  const contract = { terms, signatures: { buyer: ann.sign(text), seller: bob.sign(text) } }
  const body = receiptBody(contract, settlement)
  const signed = receiptText(body)
  return { contract, receipt: { body, signatures: { buyer: ann.sign(signed), seller: bob.sign(signed) } } }
}

test('a receipt names the contract by its hash and shows neither price nor meter', () => {
  const { contract, receipt } = agreedDeal()
  expect(receipt.body).toEqual({
    contractHash: createHash('sha256').update(signedText(contract.terms)).digest('hex'),
    slot: { startMs: 1_000, durationMs: 900_000 },
    buyer: ann.peerId,
    seller: bob.peerId,
    settledWh: 1_500,
    quality: 'OK',
  })
})

test('a receipt that came as a file is good by itself', () => {
  const file = JSON.stringify(agreedDeal().receipt)
  const read = receiptSchema.parse(JSON.parse(file))
  expect(receiptIsGood(read, verify)).toBe(true)
})

test.each([
  ['another quantity', (r: Receipt) => ({ ...r, body: { ...r.body, settledWh: 1_501 } })],
  ['another buyer', (r: Receipt) => ({ ...r, body: { ...r.body, buyer: eve.peerId } })],
  ['another quality', (r: Receipt) => ({ ...r, body: { ...r.body, quality: 'ESTIMATED' as const } })],
  [
    'one signature twice',
    (r: Receipt) => ({ ...r, signatures: { buyer: r.signatures.buyer, seller: r.signatures.buyer } }),
  ],
  [
    'the signatures changed about',
    (r: Receipt) => ({ ...r, signatures: { buyer: r.signatures.seller, seller: r.signatures.buyer } }),
  ],
])('a receipt with %s is no good', (_, change) => {
  expect(receiptIsGood(change(agreedDeal().receipt), verify)).toBe(false)
})

test('a receipt one peer signed for both sides is no good', () => {
  const body = { ...agreedDeal().receipt.body, seller: ann.peerId }
  const signature = ann.sign(receiptText(body))
  expect(receiptIsGood({ body, signatures: { buyer: signature, seller: signature } }, verify)).toBe(false)
})

test.each([
  ['a word more than was signed', { note: 'x' }],
  ['a fraction of a watt-hour', { settledWh: 1.5 }],
  ['a peer id that is none', { buyer: 'nobody' }],
  ['a hash of another length', { contractHash: 'ab' }],
])('a receipt with %s cannot be read', (_, change) => {
  const { receipt } = agreedDeal()
  expect(receiptSchema.safeParse({ ...receipt, body: { ...receipt.body, ...change } }).success).toBe(false)
})

/** Both sides' books after the same deals. */
function bothBooks(deals: ReturnType<typeof deal>[], statements: Statement[] = []): { anns: Books; bobs: Books } {
  const batches = (self: PeerId, clockMs: number): LedgerBatch[] =>
    deals.map(({ terms, settlement }, i) => batchOf(terms, settlement, self, clockMs + i))
  return {
    anns: { self: ann.peerId, counterparty: bob.peerId, currency: 'USD', batches: batches(ann.peerId, 10), statements },
    bobs: { self: bob.peerId, counterparty: ann.peerId, currency: 'USD', batches: batches(bob.peerId, 90), statements },
  }
}

const annSigns = { sign: ann.sign, verify }
const bobSigns = { sign: bob.sign, verify }
const propose = (books: Books, sign: (text: string) => string): StatementProposal =>
  proposeStatement(books, 500, sign) ?? expect.fail('there was nothing to net')

function agreed(deals: ReturnType<typeof deal>[], statements: Statement[] = []): Statement {
  const { anns, bobs } = bothBooks(deals, statements)
  const statement = agreeStatement(bobs, propose(anns, ann.sign), bobSigns)
  return typeof statement === 'string' ? expect.fail(statement) : statement
}

const trades = [deal('c-1', 1_000), deal('c-2', 400, false), deal('c-3', 300)]

test('a statement nets purchases against sales and binds both', () => {
  const statement = agreed(trades)
  expect(statement.body).toMatchObject({
    sequence: 1,
    creditor: bob.peerId,
    debtor: ann.peerId,
    amountMicro: 90_000,
    contracts: ['c-1', 'c-2', 'c-3'],
  })
  expect(statementIsGood(statement, verify)).toBe(true)
  expect(objectionToAgreed(bothBooks(trades).anns, statement, verify)).toBeUndefined()
})

test('either side may propose, and both come to the same amount', () => {
  const { anns, bobs } = bothBooks(trades)
  const [ours, theirs] = [propose(anns, ann.sign), propose(bobs, bob.sign)]
  expect(theirs.body).toEqual(ours.body)
  const statement = agreeStatement(anns, theirs, { ...annSigns, own: ours })
  expect(statement).toMatchObject({ body: { creditor: bob.peerId } })
})

test('neighbours that owe each other the same agree on nothing owed', () => {
  const even = [deal('c-1', 500), deal('c-2', 500, false)]
  const { anns, bobs } = bothBooks(even)
  expect(propose(anns, ann.sign).body).toEqual(propose(bobs, bob.sign).body)
  const statement = agreed(even)
  expect(statement.body.amountMicro).toBe(0)
  expect(paymentOf(statement, ann.peerId, 1).postings).toEqual([])
})

test('the next statement follows the last and covers only what came since', () => {
  const first = agreed(trades)
  const more = [...trades, deal('c-4', 200)]
  const second = agreed(more, [first])
  expect(second.body).toMatchObject({
    sequence: 2,
    previous: statementId(first.body),
    amountMicro: 20_000,
    contracts: ['c-4'],
  })
  expect(proposeStatement(bothBooks(more, [second, first]).anns, 1, ann.sign)).toBeUndefined()
})

test('a statement is paid once it is agreed, and both balances are zero', () => {
  const statement = agreed(trades)
  const { anns, bobs } = bothBooks(trades)
  const [paid, received] = [paymentOf(statement, ann.peerId, 1), paymentOf(statement, bob.peerId, 2)]
  expect(balanceWith([...anns.batches, paid], bob.peerId)).toBe(0)
  expect(balanceWith([...bobs.batches, received], ann.peerId)).toBe(0)
  expect([paid.id, received.id]).toEqual([statementId(statement.body), statementId(statement.body)])
  // A payment is no settlement: nothing is open afterwards.
  const books = { batches: [...anns.batches, paid], statements: [statement] }
  expect(openSettlements(books)).toEqual([])
  expect(() => paymentOf(statement, eve.peerId, 1)).toThrow(/no party/)
})

test('a proposal repeated after it was agreed gets the same statement again', () => {
  const { anns } = bothBooks(trades)
  const statement = agreed(trades)
  const { bobs } = bothBooks(trades, [statement])
  expect(agreeStatement(bobs, propose(anns, ann.sign), bobSigns)).toBe(statement)
})

test('a statement that is kept already may come again', () => {
  const statement = agreed(trades)
  expect(objectionToAgreed(bothBooks(trades, [statement]).anns, statement, verify)).toBeUndefined()
})

test.each<[string, (p: StatementProposal['body']) => Partial<StatementProposal['body']>, RegExp]>([
  ['another amount', body => ({ amountMicro: body.amountMicro - 1 }), /the books here say/],
  ['creditor and debtor changed about', body => ({ creditor: body.debtor, debtor: body.creditor }), /books here say/],
  ['a contract nobody here knows', () => ({ contracts: ['c-1', 'c-9'] }), /c-9 is not settled here/],
  ['a contract twice', () => ({ contracts: ['c-1', 'c-1'] }), /twice/],
  ['a number out of turn', () => ({ sequence: 2 }), /statement 1 comes next/],
  ['another past', () => ({ previous: 'a'.repeat(64) }), /does not follow/],
  ['another currency', () => ({ currency: 'EUR' }), /EUR/],
  ['a stranger in it', () => ({ debtor: eve.peerId }), /between other peers/],
])('a statement with %s is not agreed to', (_, change, why) => {
  const { anns, bobs } = bothBooks(trades)
  const { body } = propose(anns, ann.sign)
  const changed = { ...body, ...change(body) }
  const proposal = { body: changed, by: ann.peerId, signature: ann.sign(statementText(changed)) }
  expect(agreeStatement(bobs, proposal, bobSigns)).toMatch(why)
})

test('a proposal somebody else signed is not agreed to', () => {
  const { anns, bobs } = bothBooks(trades)
  const proposal = propose(anns, ann.sign)
  const forged = { ...proposal, signature: eve.sign(statementText(proposal.body)) }
  expect(agreeStatement(bobs, forged, bobSigns)).toMatch(/signature/)
  expect(agreeStatement(bobs, { ...proposal, by: eve.peerId }, bobSigns)).toMatch(/signature/)
})

test('an agreed statement replayed after the next one changes nothing', () => {
  const first = agreed(trades)
  const forgotten = bothBooks([...trades, deal('c-4', 200)], [agreed([deal('c-4', 200)])]).anns
  expect(objectionToAgreed(forgotten, first, verify)).toMatch(/statement 2 comes next/)
  const oneSigned = { ...first, signatures: { ...first.signatures, debtor: first.signatures.creditor } }
  expect(objectionToAgreed(bothBooks(trades).anns, oneSigned, verify)).toMatch(/signature/)
})

test('of two different proposals that cross, both sides keep that of the smaller peer id', () => {
  const { bobs, anns } = bothBooks(trades)
  const anns1 = propose(anns, ann.sign)
  // Bob has not heard of the last settlement when he proposes.
  const bobs1 = propose({ ...bobs, batches: bobs.batches.slice(0, 2) }, bob.sign)
  expect(agreeStatement(anns, bobs1, { ...annSigns, own: anns1 })).toMatch(/on its way/)
  expect(agreeStatement(bobs, anns1, { ...bobSigns, own: bobs1 })).toMatchObject({ body: anns1.body })
})

test('statements and proposals survive a trip as JSON, and what is no statement does not', () => {
  const { anns } = bothBooks(trades)
  const [proposal, statement] = [propose(anns, ann.sign), agreed(trades)]
  expect(proposalSchema.parse(JSON.parse(JSON.stringify(proposal)))).toEqual(proposal)
  expect(statementSchema.parse(JSON.parse(JSON.stringify(statement)))).toEqual(statement)
  expect(statementSchema.safeParse({ ...statement, body: { ...statement.body, amountMicro: -1 } }).success).toBe(false)
})

test('credit shrinks with what a neighbour owes and has open, and never falls below nothing', () => {
  const sale = { energyWh: 1_000, priceMicro: 100_000 }
  expect(creditLeftMicro(1_000_000, 300_000, [sale])).toBe(600_000)
  expect(creditLeftMicro(1_000_000, -200_000, [])).toBe(1_200_000)
  expect(creditLeftMicro(100_000, 90_000, [sale])).toBe(0)
})

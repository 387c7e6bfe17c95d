import { z } from 'zod'
import { commands, type Shape } from '../../daemon/command.ts'
import { energyWh, micro, nothing, page, peerId, peerNamed, slot, timeMs } from '../../daemon/words.ts'

const posting = z
  .object({ account: z.string(), micro })
  .meta({ id: 'Posting', description: 'A change of an account: above zero, others owe this peer more.' })

export const batch = z
  .object({
    id: z.string().describe('The contract settled, or the statement paid.'),
    counterparty: peerId,
    atMs: timeMs,
    kind: z.enum(['settlement', 'payment']),
    description: z.string(),
    postings: z.array(posting).describe('They sum to zero.'),
  })
  .meta({ id: 'LedgerBatch', description: 'What one event does to this peer’s books.' })

const neighbour = z
  .object({
    peer: peerId,
    name: z.string(),
    balanceMicro: micro.describe('Above zero: the neighbour owes; below: this peer does. Millionths.'),
    limitMicro: micro.describe('How much either may owe the other, millionths.'),
    unsettledWh: energyWh.describe('Of agreed trades that are not settled, Wh.'),
  })
  .meta({ id: 'Neighbour' })

const signature = z.string().describe('Ed25519, base64url.')

export const receipt = z
  .object({
    body: z.object({
      contractHash: z.string().describe('SHA-256 of the contract’s signed text, hex.'),
      slot,
      buyer: peerId,
      seller: peerId,
      settledWh: energyWh,
      quality: z.enum(['OK', 'ESTIMATED']).describe('Measured, or put in the place of what never came.'),
    }),
    signatures: z.object({ buyer: signature, seller: signature }),
  })
  .meta({
    id: 'Receipt',
    description: 'Proof that a trade took place, without its price; both parties have signed it.',
  })

/** Who owes whom, and what proves a delivery. */
export const booksCommands = commands({
  ledger: {
    route: 'GET /v1/ledger',
    scope: 'read',
    says: 'Who owes whom, and the newest entries of the books.',
    input: page,
    output: z
      .object({
        currency: z.string(),
        balances: z.array(posting).describe('Every account; together they are zero.'),
        neighbours: z.array(neighbour),
        batches: z.array(batch).describe('Newest last.'),
        sumMicro: micro.describe('Of all accounts; anything but zero is wrong.'),
        unbalanced: z.int().describe('Batches, of those shown, whose postings do not sum to zero.'),
      })
      .meta({ id: 'Ledger' }),
  },
  net: {
    route: 'POST /v1/ledger/net',
    scope: 'trade',
    says: 'Proposes to a neighbour to net what is open into one statement that both sign.',
    input: z.strictObject({ peer: peerNamed }),
    output: nothing,
  },
  paid: {
    route: 'POST /v1/ledger/paid',
    scope: 'trade',
    says: 'Notes that a debt between this peer and a neighbour was paid.',
    input: z.strictObject({ peer: peerNamed, micro: micro.min(1) }),
    output: nothing,
  },
  receipts: {
    route: 'GET /v1/receipts',
    scope: 'read',
    says: 'Receipts of trades, own ones and those of others, newest first.',
    input: page,
    output: z.array(receipt),
  },
})

export type LedgerAnswer = Shape<typeof booksCommands.ledger.output>
export type ReceiptAnswer = Shape<typeof receipt>

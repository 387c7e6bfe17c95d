import { createHash } from 'node:crypto'
import { z } from 'zod'
import {
  type Contract,
  type Receipt,
  type ReceiptBody,
  receiptText,
  type Settlement,
  signedText,
  type Verify,
} from '../../protocol/contract.ts'
import { peerIdSchema, signatureSchema } from './signer.ts'

export function receiptBody({ terms }: Contract, settlement: Settlement): ReceiptBody {
  return {
    contractHash: createHash('sha256').update(signedText(terms)).digest('hex'),
    slot: terms.slot,
    buyer: terms.buyer,
    seller: terms.seller,
    settledWh: settlement.finalWh,
    quality: settlement.quality,
  }
}

/** Whether two different peers have signed exactly this. Needs nothing but the receipt itself. */
export function receiptIsGood({ body, signatures }: Receipt, verify: Verify): boolean {
  const text = receiptText(body)
  return (
    body.buyer !== body.seller &&
    verify(body.buyer, text, signatures.buyer) &&
    verify(body.seller, text, signatures.seller)
  )
}

/** More than any household trades in a slot, and far from where integers end. */
const MAX_SETTLED_WH = 1_000_000_000_000

/** A receipt from a stranger. Nothing beside these fields: what else it said would not be under the signatures. */
export const receiptSchema: z.ZodType<Receipt> = z.strictObject({
  body: z.strictObject({
    contractHash: z.string().regex(/^[0-9a-f]{64}$/),
    slot: z.strictObject({ startMs: z.int().min(0).max(Date.UTC(2100, 0)), durationMs: z.int().min(1) }),
    buyer: peerIdSchema,
    seller: peerIdSchema,
    settledWh: z.int().min(0).max(MAX_SETTLED_WH),
    quality: z.enum(['OK', 'ESTIMATED']),
  }),
  signatures: z.strictObject({ buyer: signatureSchema, seller: signatureSchema }),
})

import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { PeerId } from '../../../kernel/ids.ts'
import { canonical } from '../../../protocol/canonical.ts'
import { type Contract, signedText } from '../contract.ts'
import type { Slot } from '../slot.ts'
import type { Quality } from './allocation.ts'
import type { Settlement } from './settle.ts'
import { peerIdSchema, signatureSchema, type Verify } from './signer.ts'

/** What everybody may know of a settled trade: that it took place, and how much energy it was. No price, no meter. */
export interface ReceiptBody {
  /** SHA-256 of the contract's signed text, hex: who has the contract can show that this receipt is of it. */
  readonly contractHash: string
  readonly slot: Slot
  readonly buyer: PeerId
  readonly seller: PeerId
  readonly settledWh: number
  readonly quality: Quality
}

export interface Receipt {
  readonly body: ReceiptBody
  /** Ed25519 over `receiptText(body)`, base64url. */
  readonly signatures: { readonly buyer: string; readonly seller: string }
}

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

/** What both sign. The domain prefix keeps this signature from meaning anything else. */
export function receiptText(body: ReceiptBody): string {
  return `wattmesh/receipt/1\n${canonical(body)}`
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

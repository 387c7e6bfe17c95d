import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { PeerId } from '../../kernel/ids.ts'
import { canonical } from '../../protocol/canonical.ts'
import type { Verify } from '../../protocol/contract.ts'
import { peerIdSchema, signatureSchema } from './signer.ts'

/** What two neighbours owe each other for a number of settlements, netted into one amount. */
export interface StatementBody {
  /** 1 for the first between these two, then one more each. */
  readonly sequence: number
  /** The id of the statement before; `FIRST` when there is none. */
  readonly previous: string
  /** Who is owed; of two that owe each other nothing, the smaller peer id. */
  readonly creditor: PeerId
  readonly debtor: PeerId
  readonly amountMicro: number
  readonly currency: string
  /** The contracts it covers, sorted; each is in one statement only. */
  readonly contracts: readonly string[]
  /** Wall-clock time of the proposal. */
  readonly atMs: number
}

/** Signed by one side: asks the other for its signature. */
export interface StatementProposal {
  readonly body: StatementBody
  readonly by: PeerId
  /** Ed25519 over `statementText(body)`, base64url. */
  readonly signature: string
}

/** Binds both. */
export interface Statement {
  readonly body: StatementBody
  readonly signatures: { readonly creditor: string; readonly debtor: string }
}

/** `previous` of the first statement between two peers. */
export const FIRST = '0'.repeat(64)
/** What does not fit goes into the next one: a statement must fit a message. */
export const MAX_CONTRACTS = 500

/** What both sign. The domain prefix keeps this signature from meaning anything else. */
export function statementText(body: StatementBody): string {
  return `wattmesh/statement/1\n${canonical(body)}`
}

/** SHA-256 of what both sign, hex. */
export function statementId(body: StatementBody): string {
  return createHash('sha256').update(statementText(body)).digest('hex')
}

/** Whether both parties have signed exactly this. Needs nothing but the statement itself. */
export function statementIsGood({ body, signatures }: Statement, verify: Verify): boolean {
  const text = statementText(body)
  return (
    body.creditor !== body.debtor &&
    verify(body.creditor, text, signatures.creditor) &&
    verify(body.debtor, text, signatures.debtor)
  )
}

const body: z.ZodType<StatementBody> = z.strictObject({
  sequence: z.int().min(1),
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  creditor: peerIdSchema,
  debtor: peerIdSchema,
  amountMicro: z.int().min(0),
  currency: z.string().regex(/^[A-Z]{3}$/),
  contracts: z.array(z.string().min(1).max(64)).min(1).max(MAX_CONTRACTS),
  atMs: z.int().min(0),
})

/** A proposal from a stranger. */
export const proposalSchema: z.ZodType<StatementProposal> = z.strictObject({
  body,
  by: peerIdSchema,
  signature: signatureSchema,
})

/** A statement from a stranger. */
export const statementSchema: z.ZodType<Statement> = z.strictObject({
  body,
  signatures: z.strictObject({ creditor: signatureSchema, debtor: signatureSchema }),
})

import { createHash } from 'node:crypto'
import type { PeerId, TaskId } from '../../../kernel/ids.ts'
import type { Json, JsonObject } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'

/** Where the power of the work came from, as its worker says. */
export type PowerSource = 'grid' | 'solar' | 'battery' | 'unknown'

/** How its worker came to an amount of energy: from the machine's power and the time, or from a meter. */
export type EnergyMeasure = 'estimated' | 'metered'

/** What a worker says it did for one task. */
export interface WorkClaim {
  readonly taskId: TaskId
  readonly leaseEpoch: number
  /** `embed@1` */
  readonly kind: string
  /** SHA-256, base64url, of the canonical input and output, each as the one element of an array. */
  readonly inputHash: string
  readonly outputHash: string
  /** How much: bytes of the canonical input. */
  readonly units: number
  /** How long a worker thread had it. */
  readonly busyMs: number
  /** In millionths of a watt-hour: a small task takes far less than one. */
  readonly energyMicroWh: number
  readonly measure: EnergyMeasure
  readonly source: PowerSource
}

/** A worker signs what it did, a submitter what it accepted of it; each signature stands under many claims. */
export interface WorkStatement {
  readonly role: 'worker' | 'submitter'
  readonly jobId: string
  readonly worker: PeerId
  readonly submitter: PeerId
  /** Hashes of the claims. */
  readonly hashes: readonly string[]
  /** The claims themselves, in the same order, where the worker states them. */
  readonly claims: readonly WorkClaim[]
  readonly signature: string
  readonly atMs: number
}

/** One accepted result, and both signatures under it. */
export interface WorkReceipt {
  readonly claim: WorkClaim
  readonly worker: WorkStatement
  readonly submitter: WorkStatement
}

export type Sign = (text: string) => string
export type Verify = (peer: PeerId, text: string, signature: string) => boolean

export function hashOf(value: Json): string {
  return hashOfText(canonical([value]))
}

/** @param text canonical JSON of a one-element array */
export function hashOfText(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

export function claimHash(claim: WorkClaim): string {
  return hashOf(claim as unknown as JsonObject)
}

/** What is signed; its first word keeps the signature from meaning anything elsewhere. */
function statementText({
  role,
  jobId,
  worker,
  submitter,
  hashes,
}: Omit<WorkStatement, 'signature' | 'atMs' | 'claims'>) {
  return `wattmesh-work-1 ${canonical({ role, jobId, worker, submitter, hashes: [...hashes] })}`
}

export function signStatement(body: Omit<WorkStatement, 'signature'>, sign: Sign): WorkStatement {
  return { ...body, signature: sign(statementText(body)) }
}

export function statementIsGood(statement: WorkStatement, verify: Verify): boolean {
  const by = statement.role === 'worker' ? statement.worker : statement.submitter
  const claimed = statement.claims.length === 0 || sameHashes(statement)
  return claimed && verify(by, statementText(statement), statement.signature)
}

/** Whether each hash of `one` stands in some statement of this party between the same two. */
export function areStated(
  statements: readonly WorkStatement[],
  one: WorkStatement,
  by: WorkStatement['role'],
): boolean {
  const between = statements.filter(({ worker, submitter }) => worker === one.worker && submitter === one.submitter)
  const stated = new Set(between.flatMap(({ role, hashes }) => (role === by ? hashes : [])))
  return one.hashes.every(hash => stated.has(hash))
}

/** Both signed, the same parties, and both signatures stand under this very claim. */
export function workReceiptIsGood({ claim, worker, submitter }: WorkReceipt, verify: Verify): boolean {
  const hash = claimHash(claim)
  const roles = worker.role === 'worker' && submitter.role === 'submitter'
  const same =
    worker.worker === submitter.worker && worker.submitter === submitter.submitter && worker.jobId === submitter.jobId
  const named = worker.hashes.includes(hash) && submitter.hashes.includes(hash)
  return roles && same && named && statementIsGood(worker, verify) && statementIsGood(submitter, verify)
}

/** The receipts that a job's statements amount to: one for each claim, however often it was stated. */
export function receiptsOf(statements: readonly WorkStatement[]): WorkReceipt[] {
  const accepted = new Map<string, WorkStatement>()
  const counted = new Set<string>()
  for (const statement of statements) {
    if (statement.role === 'submitter') for (const hash of statement.hashes) accepted.set(hash, statement)
  }
  return statements
    .filter(({ role }) => role === 'worker')
    .flatMap(worker =>
      worker.claims.flatMap((claim, i): WorkReceipt[] => {
        const hash = worker.hashes[i] ?? ''
        const submitter = accepted.get(hash)
        if (submitter === undefined || counted.has(hash)) return []
        counted.add(hash)
        return [{ claim, worker, submitter }]
      }),
    )
}

function sameHashes({ claims, hashes }: WorkStatement): boolean {
  return claims.length === hashes.length && claims.every((claim, i) => claimHash(claim) === hashes[i])
}

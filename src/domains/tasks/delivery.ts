import type { PeerId } from '../../kernel/ids.ts'
import type { Draft, JsonObject } from '../../kernel/outcome.ts'
import { canonical } from '../../protocol/canonical.ts'
import { MAX_BATCH_BYTES, MAX_TASKS_A_MESSAGE, resultDraft } from './messages.ts'
import { claimHash, hashOfText, type PowerSource, type Sign, signStatement, type WorkClaim } from './proof/receipt.ts'
import type { TaskFact, Work, WorkResult } from './task.ts'

export interface DeliveryDeps {
  readonly self: PeerId
  readonly sign: Sign
  now(): number
  /** Energy of a thread busy this long, in millionths of a watt-hour, estimated from the machine's power. */
  energyMicroWh(busyMs: number): number
  powerSource(): PowerSource
}

export interface Done {
  readonly work: Work
  readonly result: WorkResult
}

interface Batch {
  readonly done: { readonly result: WorkResult; readonly claim?: WorkClaim }[]
  bytes: number
}

/** Results on their way to their submitters: signed for once a message, many in a message. */
export function deliver(all: readonly Done[], deps: DeliveryDeps): { facts: TaskFact[]; messages: Draft[] } {
  const facts: TaskFact[] = []
  const messages: Draft[] = []
  for (const group of Map.groupBy(all, ({ work }) => `${work.submitter} ${work.jobId}`).values()) {
    const [{ work }] = group as [Done]
    for (const batch of batches(group, deps)) {
      const claims = batch.done.flatMap(({ claim }) => claim ?? [])
      const parties = { role: 'worker', jobId: work.jobId, worker: deps.self, submitter: work.submitter } as const
      const stated = { ...parties, hashes: claims.map(claimHash), claims, atMs: deps.now() }
      const statement = claims.length === 0 ? undefined : signStatement(stated, deps.sign)
      if (statement !== undefined) facts.push({ kind: 'tasks.statement', statement })
      const finished = batch.done.map(({ result, claim }) => ({
        result,
        ...(claim === undefined ? {} : { claim: shortClaim(claim) }),
      }))
      messages.push(resultDraft(work.submitter, work.jobId, finished, statement))
    }
  }
  return { facts, messages }
}

function batches(group: readonly Done[], deps: DeliveryDeps): Batch[] {
  const made: Batch[] = []
  for (const { work, result } of group) {
    const text = 'output' in result.result ? canonical([result.result.output]) : undefined
    const bytes = text === undefined ? 0 : Buffer.byteLength(text)
    const last = made.at(-1)
    const fits = last !== undefined && last.done.length < MAX_TASKS_A_MESSAGE && last.bytes + bytes <= MAX_BATCH_BYTES
    const batch = fits ? last : { done: [], bytes: 0 }
    if (!fits) made.push(batch)
    batch.done.push({ result, ...(text === undefined ? {} : { claim: claimOf(work, result, text, deps) }) })
    batch.bytes += bytes
  }
  return made
}

function claimOf(work: Work, { busyMs }: WorkResult, text: string, deps: DeliveryDeps): WorkClaim {
  return {
    taskId: work.taskId,
    leaseEpoch: work.leaseEpoch,
    kind: `${work.kind}@${work.version}`,
    inputHash: work.inputHash,
    outputHash: hashOfText(text),
    units: work.inputBytes,
    busyMs,
    energyMicroWh: Math.round(deps.energyMicroWh(busyMs)),
    measure: 'estimated',
    source: deps.powerSource(),
  }
}

/** Less what the submitter knows. */
function shortClaim({ outputHash, busyMs, energyMicroWh, measure, source }: WorkClaim): JsonObject {
  return { output_hash: outputHash, busy_ms: busyMs, energy_micro_wh: energyMicroWh, measure, source }
}

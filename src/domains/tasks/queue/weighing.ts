import type { Json } from '../../../kernel/outcome.ts'
import { canonical } from '../../../protocol/canonical.ts'
import type { Acceptance } from '../proof/acceptance.ts'
import { claimHash, type WorkClaim } from '../proof/receipt.ts'
import type { Job, Lease, Task, TaskCode } from '../task.ts'
import { brokenClaim } from './claims.ts'
import { kindName, type QueueDeps } from './deps.ts'
import type { Leases } from './leases.ts'
import type { Sheet } from './sheet.ts'

type Held = { task: Task; lease: Lease }
export type Refused = { code: TaskCode; message: string }

/** A result that came in time: kept and heard, or its lease ended and its maker caught. */
export type Weigh = (
  sheet: Sheet,
  job: Job,
  held: Held,
  result: { output: Json; claim: WorkClaim | undefined },
) => Refused | undefined

/** Workers and kinds of which a result with another model is remembered. */
const MAX_OTHER_MODELS = 4_096

export function createWeigh(
  deps: QueueDeps,
  { leases, acceptance }: { leases: Leases; acceptance: Acceptance },
): Weigh {
  const { self, now } = deps
  /** When a worker first answered with another model than was wanted. */
  const otherModels = deps.memory<string, number>(MAX_OTHER_MODELS)

  /**
   * Whose model was exchanged may well be honest: what it had when that came to light is forgiven. From then on it knows,
   * and a fingerprint made up for each lie excuses nothing.
   */
  function isForgiven(job: Job, { worker, grantedMs }: Lease): boolean {
    const key = `${worker} ${kindName(job)}`
    const sinceMs = otherModels.get(key) ?? now()
    otherModels.set(key, sinceMs)
    return grantedMs <= sinceMs
  }

  return (sheet, job, held, { output, claim }) => {
    const { worker, epoch } = held.lease
    const text = canonical([output])
    const unsigned = worker === self ? undefined : brokenClaim(held, claim, text, now())
    const reason = unsigned ?? fault(deps, job, held.task, output)
    if (reason === undefined) {
      sheet.keepOutput(held.task, epoch, text)
      acceptance.heard(sheet, job, held, claim === undefined ? undefined : claimHash(claim))
      return undefined
    }
    leases.end(sheet, held, 'failed', `wrong result: ${reason}`)
    // What nobody signed proves nothing about anybody.
    const excused = unsigned !== undefined || (isOfAnotherModel(job, output) && isForgiven(job, held.lease))
    if (!excused) acceptance.caught(sheet, job, worker)
    return { code: 'TASK_RESULT_WRONG', message: reason }
  }
}

/** What is wrong with an output, as far as can be told without doing the work again. */
function fault({ kinds, store }: QueueDeps, job: Job, task: Task, output: unknown): string | undefined {
  const kind = kinds[job.kind]
  const parsed = kind?.output.safeParse(output)
  if (kind === undefined || parsed?.success !== true) return 'not of the right shape'
  const [input] = JSON.parse(store.input(task.id) ?? '[]') as [unknown]
  return kind.verify({ input, output: parsed.data }, job.params)
}

/** Outputs of kinds that take a model say which it was. */
function isOfAnotherModel({ needs }: Job, output: Json): boolean {
  if (needs.fingerprint === undefined || output === null || typeof output !== 'object') return false
  const said = Array.isArray(output) ? undefined : output['fingerprint']
  return typeof said === 'string' && said !== needs.fingerprint
}

import type { WorkOffer } from '../messages.ts'
import type { Needs, Reason } from '../task.ts'
import type { DeskDeps } from './deps.ts'

const LEARN_AGAIN_MS = 1_000

type Own = Pick<DeskDeps, 'slots' | 'kinds' | 'memoryMb' | 'engines' | 'models' | 'learnModel' | 'paused'>

/** Why work of this kind is not done here, or not now, whoever asks; undefined: it is. */
export function unwilling(
  own: Own,
  { kind, version, needs }: Pick<WorkOffer, 'kind' | 'version' | 'needs'>,
): Reason | undefined {
  if (own.slots === 0) return { code: 'TASK_NOT_OFFERED', message: 'this peer does not work for others' }
  if (!Object.hasOwn(own.kinds, kind) || own.kinds[kind]?.version !== version) {
    return { code: 'TASK_KIND_UNKNOWN', message: `${kind}@${version} is not worked on here` }
  }
  const { memory_mb: memoryMb, ...rest } = needs
  const lacking = lacks(own, { memoryMb, ...rest } as Needs)
  if (lacking !== undefined) return { code: 'TASK_NEEDS_UNMET', message: lacking }
  // Not before: who asks for what can be done here waits for it from now on, and may force a start.
  const pause = own.paused()
  if (pause !== undefined) return pause
  return needs.fingerprint === undefined || own.models() !== undefined ? undefined : modelUnknown(own, kind)
}

/** Bidding first and failing then would look like a worker that is broken. */
function modelUnknown(own: Own, kind: string): Reason {
  const message = 'which model is here is being found out'
  if (own.learnModel(kind)) return { code: 'TASK_BUSY', message, retryAfterMs: LEARN_AGAIN_MS }
  // Why not is the owner's affair: the reason names paths and addresses of this machine.
  return { code: 'TASK_NEEDS_UNMET', message: 'the model of this peer cannot be opened' }
}

/** What such work needs that is not here. */
export function lacks(own: Own, { memoryMb, fingerprint, engine }: Needs): string | undefined {
  if (memoryMb > own.memoryMb) return `it needs ${memoryMb} MB, a worker here has ${own.memoryMb} MB`
  if (engine !== undefined && !own.engines().includes(engine)) return `there is no ${engine} here`
  const models = own.models()
  const missing = fingerprint !== undefined && models !== undefined && !models.includes(fingerprint)
  return missing ? 'this peer has another model' : undefined
}

import type { PeerId } from '../../../kernel/ids.ts'
import { createPaces } from '../paces.ts'
import type { Reason, Work } from '../task.ts'
import type { DeskDeps } from './deps.ts'

const MIN_RETRY_MS = 1_000
const MAX_RETRY_MS = 60_000
/** Kinds of work whose pace here is remembered. */
const MAX_KINDS = 256

/** How much lies on the desk, and how fast it goes from there. */
export interface Room {
  /** Tasks that one submitter may still put there, and tasks that lie there. */
  of(submitter: PeerId): { free: number; open: number }
  /** Why it has to wait, and how long, when so many lie there. */
  busy(kind: string, open: number): Reason
  /** How long a thread takes for a task; undefined: it has done none. */
  paceMs(kind: string): number | undefined
  /** A task took a thread this long. */
  took(kind: string, busyMs: number): void
}

export function createRoom(deps: Pick<DeskDeps, 'self' | 'slots' | 'threads' | 'memory' | 'store'>): Room {
  const paces = createPaces(deps.memory(MAX_KINDS))
  return {
    of: submitter => shareOf(submitter, deps.store.openWork(), deps),
    busy(kind, open) {
      const waitMs = (open * (paces.of(kind) ?? MIN_RETRY_MS)) / deps.threads
      const retryAfterMs = Math.round(Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, waitMs)))
      return { code: 'TASK_BUSY', message: `${open} tasks lie on the desk`, retryAfterMs }
    },
    paceMs: paces.of,
    took: paces.took,
  }
}

/** Each submitter gets its part of the desk: who asks most does not get most. */
function shareOf(
  submitter: PeerId,
  open: readonly Work[],
  { self, slots }: Pick<DeskDeps, 'self' | 'slots'>,
): { free: number; open: number } {
  const others = new Set(open.map(work => work.submitter).filter(peer => peer !== submitter && peer !== self))
  const has = open.filter(work => work.submitter === submitter).length
  const share = Math.max(1, Math.floor(slots / (others.size + 1)))
  return { free: Math.max(0, Math.min(share - has, slots - open.length)), open: open.length }
}

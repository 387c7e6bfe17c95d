import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { type Commit, outcome } from '../kernel/outcome.ts'
import type { Courier } from './courier.ts'
import type { Endings } from './endings.ts'
import type { Journal } from './journal.ts'
import type { PendingMessage } from './wire.ts'

export interface DeliveryDeps<Fact> {
  readonly journal: Pick<Journal, 'tried'>
  readonly courier: Pick<Courier, 'carry'>
  readonly commit: Commit<Fact>
  readonly endings: Endings<Fact>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** One attempt to bring a kept message to its recipient. */
export interface Delivery {
  /** True when the message needs no further attempt. */
  attempt(row: PendingMessage, stop: AbortSignal): Promise<boolean>
  /** Counts an attempt where it outlives the process; how many there were. */
  triedAgain(row: PendingMessage): Promise<number>
}

export function createDelivery<Fact>(deps: DeliveryDeps<Fact>): Delivery {
  const { journal, courier, commit, endings, clock, log } = deps
  const dead = deps.metrics.counter('messages_dead_lettered_total', 'Messages nobody acknowledged in time')

  async function attempt(row: PendingMessage, stop: AbortSignal): Promise<boolean> {
    try {
      if (row.expires <= clock.now()) return await bury(row)
      const answer = await courier.carry(row, row.attempts, stop)
      if (answer === 'settled') return true
      const { facts: _, ...result } = await commit(() => endings.answered(row.id, row.peer as PeerId, answer))
      return result.answer.status === 'ACK'
    } catch (error) {
      if (!stop.aborted) {
        const fields = { message: row.id, type: row.type, task: row.taskId, peer: row.peer, attempt: row.attempts }
        log.debug({ ...fields, reason: messageOf(error) }, 'not delivered yet')
      }
      return false
    }
  }

  async function bury(row: PendingMessage): Promise<true> {
    await commit(() => endings.expired(row))
    dead()
    const fields = { message: row.id, type: row.type, task: row.taskId, peer: row.peer }
    log.warn(fields, 'nobody acknowledged a message in time; it is a dead letter now')
    return true
  }

  async function triedAgain(row: PendingMessage): Promise<number> {
    try {
      await commit(() => {
        journal.tried(row.id)
        return outcome<Fact>()
      })
    } catch (error) {
      log.debug({ message: row.id, reason: messageOf(error) }, 'an attempt was not counted')
    }
    return row.attempts + 1
  }

  return { attempt, triedAgain }
}

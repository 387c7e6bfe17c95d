import type { MessageId, PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { type Answer, type Outcome, outcome, type Refusal } from '../kernel/outcome.ts'
import type { UnsignedEnvelope } from '../protocol/envelope.ts'
import type { MessageTypes } from '../protocol/message-type.ts'
import type { Courier } from './courier.ts'
import type { Journal } from './journal.ts'
import type { PendingMessage } from './wire.ts'

/** Refusals that say "later", not "no". */
const TRANSIENT = new Set(['INBOX_BUSY', 'INBOX_FAILED'])

export interface EndingsDeps<Fact> {
  readonly journal: Pick<Journal, 'sent' | 'finish'>
  readonly courier: Pick<Courier, 'settled'>
  readonly types: MessageTypes<Fact>
  readonly log: Log
  readonly metrics: Metrics
}

/** How a kept message ends, and what its domain makes of it; inside the transaction. */
export interface Endings<Fact> {
  /** Its recipient has spoken: acknowledged, refused, or later. */
  answered(id: MessageId, from: PeerId | undefined, answer: Answer): Outcome<Fact>
  /** Nobody acknowledged it in time. */
  expired(row: PendingMessage): Outcome<Fact>
}

export function createEndings<Fact>(deps: EndingsDeps<Fact>): Endings<Fact> {
  const { journal, courier, log } = deps
  const delivered = deps.metrics.counter('messages_delivered_total', 'Messages acknowledged by their recipient')

  function answered(id: MessageId, from: PeerId | undefined, answer: Answer): Outcome<Fact> {
    const row = journal.sent(id)
    if (row === undefined || row.state !== 'pending' || row.peer !== from) return outcome()
    if (answer.status === 'NACK' && TRANSIENT.has(answer.error.code)) return { facts: [], messages: [], answer }
    journal.finish(id, answer.status === 'ACK' ? 'delivered' : 'refused', answer)
    courier.settled(id)
    if (answer.status === 'ACK') {
      delivered()
      return outcome()
    }
    const { code, message: reason } = answer.error
    log.info({ message: id, type: row.type, task: row.taskId, peer: from, code, reason }, 'refused by its recipient')
    return undelivered(row, answer.error, deps)
  }

  function expired(row: PendingMessage): Outcome<Fact> {
    journal.finish(row.id, 'expired', undefined)
    return undelivered(row, { code: 'OUTBOX_EXPIRED', message: 'not acknowledged in time' }, deps)
  }

  return { answered, expired }
}

function undelivered<Fact>(
  row: PendingMessage,
  refusal: Refusal,
  { types, log }: Pick<EndingsDeps<Fact>, 'types' | 'log'>,
): Outcome<Fact> {
  const envelope = JSON.parse(row.envelope) as UnsignedEnvelope
  try {
    const followed = types.get(row.type)?.undelivered?.({ envelope, refusal })
    // Whatever follows, the message itself is done with.
    return followed === undefined ? outcome() : { ...followed, answer: { status: 'ACK' } }
  } catch (error) {
    log.error({ message: row.id, type: row.type, err: error }, 'a domain failed to hear of a message not delivered')
    return outcome()
  }
}

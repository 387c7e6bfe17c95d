import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Answer } from '../kernel/outcome.ts'
import { type ProtocolCode, type Rejection, VERDICTS, type Verdict } from '../protocol/verdict.ts'
import type { Arrival } from './check.ts'

export type InboxCode = 'INBOX_BUSY' | 'INBOX_FAILED'

/** Counts and notes what is not let in. @returns what gossip does with it */
export type Refuse = (arrival: Arrival, why: Rejection) => Verdict

export function createRefuse({ log, metrics }: { readonly log: Log; readonly metrics: Metrics }): Refuse {
  const rejected = metrics.counter('messages_rejected_total', 'Messages refused, by code', ['code'])
  const passedOn = metrics.counter('messages_passed_on_total', 'Messages for others, carried on')
  return (arrival, { code, reason }) => {
    const { verdict } = VERDICTS[code]
    if (verdict === 'accept') {
      passedOn()
      return verdict
    }
    rejected({ code })
    log.debug({ code, reason, from: arrival.from, carrier: arrival.carrier }, 'message refused')
    return verdict
  }
}

/** @param words what refusals are called among those who send messages of that type */
export function nack(
  code: ProtocolCode | InboxCode,
  message: string,
  words?: Readonly<Record<string, string>>,
): Answer {
  return { status: 'NACK', error: { code: words?.[code] ?? code, message } }
}

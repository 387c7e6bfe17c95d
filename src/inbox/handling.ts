import { CodedError, messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Answer, Commit } from '../kernel/outcome.ts'
import type { Open } from '../protocol/sealed.ts'
import { type Arrival, type Checked, openPayload } from './check.ts'
import type { Effects } from './effects.ts'
import { nack, type Refuse } from './refusals.ts'
import type { Seen } from './seen.ts'

export interface HandlingDeps<Fact> {
  readonly open: Open
  readonly commit: Commit<Fact>
  readonly effects: Effects<Fact>
  readonly seen: Pick<Seen, 'add'>
  readonly refuse: Refuse
  readonly log: Log
  readonly metrics: Metrics
}

/** Open, look whether it was seen, let the domain decide, commit. undefined: nothing was kept, nothing is answered. */
export type Handle<Fact> = (arrival: Arrival, checked: Checked<Fact>) => Promise<Answer | undefined>

export function createHandle<Fact>(deps: HandlingDeps<Fact>): Handle<Fact> {
  const { open, commit, effects, seen, refuse, log } = deps
  const verified = deps.metrics.counter('messages_verified_total', 'Messages that passed every check', ['carrier'])
  return async (arrival, checked) => {
    const { envelope } = checked
    const fields = { message: envelope.id, type: envelope.type, task: envelope.task_id, peer: envelope.sender_id }
    try {
      const opened = await openPayload(checked, open)
      if (!opened.ok) {
        refuse(arrival, opened)
        return nack(opened.code, opened.reason, checked.type.codes)
      }
      verified({ carrier: arrival.carrier })
      const { answer } = await commit(() => effects(arrival, checked, opened.payload))
      seen.add(envelope)
      if (answer.status === 'NACK')
        log.info({ ...fields, code: answer.error.code, reason: answer.error.message }, 'refused')
      else log.debug(fields, 'handled')
      return answer
    } catch (error) {
      noteFailure(log, error, fields)
      return undefined
    }
  }
}

function noteFailure(log: Log, error: unknown, fields: object): void {
  if (error instanceof CodedError && error.code.startsWith('STORE_')) {
    log.warn({ ...fields, code: error.code, reason: error.message, hint: error.hint }, 'not kept, so not acknowledged')
    return
  }
  log.error({ ...fields, err: error, reason: messageOf(error) }, 'a handler failed; this message is dropped')
}

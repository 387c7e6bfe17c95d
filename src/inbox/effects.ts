import type { Clock } from '../kernel/clock.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { type Answer, acknowledged, type JsonObject, type Outcome } from '../kernel/outcome.ts'
import { canonical } from '../protocol/canonical.ts'
import { VERDICTS } from '../protocol/verdict.ts'
import type { Arrival, Checked } from './check.ts'
import type { Journal } from './journal.ts'
import { nack } from './refusals.ts'
import type { Seen } from './seen.ts'

export interface EffectsDeps {
  readonly journal: Journal
  readonly seen: Pick<Seen, 'has'>
  readonly clock: Clock
  readonly metrics: Metrics
}

/** What a message causes. Inside the transaction: the journal's unique id is what makes effects happen once. */
export type Effects<Fact> = (arrival: Arrival, checked: Checked<Fact>, payload: JsonObject) => Outcome<Fact>

export function createEffects<Fact>({ journal, seen, clock, metrics }: EffectsDeps): Effects<Fact> {
  const duplicates = metrics.counter('messages_duplicate_total', 'Messages seen before')

  /** Nothing is done twice; who asks again gets the answer again. */
  function repeated(answer: Answer): Outcome<never> {
    duplicates()
    return { facts: [], messages: [], answer }
  }

  return (arrival, { envelope, type }, payload) => {
    if (!type.kept) {
      return seen.has(envelope) ? repeated(acknowledged) : type.handle(envelope, payload)
    }
    const { signature: _, ...unsigned } = envelope
    const text = canonical({ ...unsigned, payload })
    const before = journal.seen(envelope.sender_id, envelope.id, text)
    if (before !== undefined) {
      return repeated(before.same ? before.answer : nack('ENV_ID_REUSED', VERDICTS.ENV_ID_REUSED.meaning, type.codes))
    }
    const outcome = type.handle(envelope, payload)
    journal.insert({
      direction: 'in',
      id: envelope.id,
      type: envelope.type,
      taskId: envelope.task_id,
      peer: envelope.sender_id,
      at: clock.now(),
      expires: envelope.expires,
      envelope: text,
      instead: frameOnly(type, outcome.answer) ? canonical({ ...unsigned, payload: {} }) : undefined,
      carrier: arrival.carrier,
      sealed: payload !== envelope.payload,
      state: 'handled',
      answer: outcome.answer,
    })
    return outcome
  }
}

/** Whoever is refused, or sends what a domain keeps anyway, does not fill the journal with it. */
function frameOnly({ bulky }: { readonly bulky?: boolean }, answer: Answer): boolean {
  return answer.status === 'NACK' || bulky === true
}

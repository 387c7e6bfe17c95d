import { CodedError, messageOf } from '../kernel/errors.ts'
import type { MessageId, PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { type Answer, acknowledged, type Commit, type JsonObject, type Outcome } from '../kernel/outcome.ts'
import { canonical } from '../protocol/canonical.ts'
import type { Envelope } from '../protocol/envelope.ts'
import type { MessageType } from '../protocol/message-type.ts'
import { type ProtocolCode, type Rejection, rejection, VERDICTS, type Verdict } from '../protocol/verdict.ts'
import { type Arrival, type CheckDeps, type Checked, check, openPayload } from './check.ts'
import { createLanes } from './lanes.ts'
import { createRates } from './rates.ts'
import { createSeen } from './seen.ts'

/** How many messages may wait for their turn before new ones are turned away. */
const MAX_WAITING = 2_000

export type InboxCode = 'INBOX_BUSY' | 'INBOX_FAILED'

interface Journal {
  insert(message: {
    direction: 'in'
    id: MessageId
    type: string
    taskId: Envelope['task_id']
    peer: PeerId
    at: number
    expires: number
    envelope: string
    instead: string | undefined
    carrier: Arrival['carrier']
    sealed: boolean
    state: 'handled'
    answer: Answer
  }): boolean
  seen(sender: PeerId, id: MessageId, envelope: string): { same: boolean; answer: Answer } | undefined
}

export interface InboxDeps<Fact> extends CheckDeps<Fact> {
  readonly journal: Journal
  readonly commit: Commit<Fact>
  /** Sends the answer to a message that came by gossip. */
  readonly reply: (envelope: Envelope, answer: Answer) => void
  readonly log: Log
  readonly metrics: Metrics
}

export interface Inbox {
  /** A message from a topic: its verdict at once, its handling afterwards. */
  gossip(arrival: Arrival): Verdict
  /** A message from a stream: its answer, once everything it caused is on the disk. */
  request(arrival: Arrival): Promise<{ envelope: Envelope | undefined; answer: Answer }>
  idle(): Promise<void>
}

export function createInbox<Fact>(deps: InboxDeps<Fact>): Inbox {
  const { log, metrics, journal, commit } = deps
  const lanes = createLanes(MAX_WAITING)
  const seen = createSeen(deps.clock)
  const rates = createRates(deps.clock)
  const verified = metrics.counter('messages_verified_total', 'Messages that passed every check', ['carrier'])
  const rejected = metrics.counter('messages_rejected_total', 'Messages refused, by code', ['code'])
  const passedOn = metrics.counter('messages_passed_on_total', 'Messages for others, carried on')
  const duplicates = metrics.counter('messages_duplicate_total', 'Messages seen before')
  const tooMany = metrics.counter('messages_flood_total', 'Messages turned away: their sender said too much lately')
  metrics.gauge('inbox_waiting', 'Messages waiting for their turn', () => lanes.size())

  function gossip(arrival: Arrival): Verdict {
    const checked = check(arrival, deps)
    if (!checked.ok) return refuse(arrival, checked)
    const { envelope } = checked
    if (seen.has(envelope)) return refuse(arrival, rejection('ENV_REPLAYED'))
    if (floods(envelope)) return 'ignore'
    const taken = lanes.enter(envelope.task_id, async () => {
      const answer = await handle(arrival, checked)
      if (answer !== undefined && envelope.to !== undefined && checked.type.kept) deps.reply(envelope, answer)
    })
    return taken ? 'accept' : 'ignore'
  }

  async function request(arrival: Arrival): Promise<{ envelope: Envelope | undefined; answer: Answer }> {
    const checked = check(arrival, deps)
    if (!checked.ok) {
      refuse(arrival, checked)
      // Whoever is at the other end learns why, if it is the one that says it wrote this.
      const asked = checked.envelope?.sender_id === arrival.from ? checked.envelope : undefined
      return { envelope: asked, answer: nack(checked.code, checked.reason, wordsFor(checked.envelope)) }
    }
    if (floods(checked.envelope)) {
      return {
        envelope: checked.envelope,
        answer: nack('INBOX_BUSY', 'too many messages of yours; send it again later'),
      }
    }
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const taken = lanes.enter(checked.envelope.task_id, async () => {
      resolve((await handle(arrival, checked)) ?? nack('INBOX_FAILED', 'the message could not be kept; send it again'))
    })
    if (!taken) resolve(nack('INBOX_BUSY', 'too many messages are waiting; send it again later'))
    return { envelope: checked.envelope, answer: await promise }
  }

  /** Before a domain hears of it or the journal keeps it. Counted by who signed, not by who carried it here. */
  function floods({ sender_id: sender }: Envelope): boolean {
    if (rates.allows(sender)) return false
    tooMany()
    return true
  }

  /** Open, look whether it was seen, let the domain decide, commit. undefined: nothing was kept, nothing is answered. */
  async function handle(arrival: Arrival, checked: Checked<Fact>): Promise<Answer | undefined> {
    const { envelope } = checked
    const fields = { message: envelope.id, type: envelope.type, task: envelope.task_id, peer: envelope.sender_id }
    try {
      const opened = await openPayload(checked, deps.open)
      if (!opened.ok) {
        refuse(arrival, opened)
        return nack(opened.code, opened.reason, checked.type.codes)
      }
      verified({ carrier: arrival.carrier })
      const { answer } = await commit(() => decide(arrival, checked, opened.payload))
      seen.add(envelope)
      if (answer.status === 'NACK')
        log.info({ ...fields, code: answer.error.code, reason: answer.error.message }, 'refused')
      else log.debug(fields, 'handled')
      return answer
    } catch (error) {
      return failed(error, fields)
    }
  }

  /** Inside the transaction: the journal's unique id is what makes effects happen once. */
  function decide(arrival: Arrival, { envelope, type }: Checked<Fact>, payload: JsonObject): Outcome<Fact> {
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
      at: deps.clock.now(),
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

  /** What refusals are called among those who send messages of that type. */
  function wordsFor(envelope: Envelope | undefined): MessageType<Fact>['codes'] {
    return envelope && deps.types.get(envelope.type)?.codes
  }

  /** Nothing is done twice; who asks again gets the answer again. */
  function repeated(answer: Answer): Outcome<never> {
    duplicates()
    return { facts: [], messages: [], answer }
  }

  function failed(error: unknown, fields: object): Answer | undefined {
    if (error instanceof CodedError && error.code.startsWith('STORE_')) {
      log.warn(
        { ...fields, code: error.code, reason: error.message, hint: error.hint },
        'not kept, so not acknowledged',
      )
      return undefined
    }
    log.error({ ...fields, err: error, reason: messageOf(error) }, 'a handler failed; this message is dropped')
    return undefined
  }

  function refuse(arrival: Arrival, { code, reason }: Rejection): Verdict {
    const { verdict } = VERDICTS[code]
    if (verdict === 'accept') {
      passedOn()
      return verdict
    }
    rejected({ code })
    log.debug({ code, reason, from: arrival.from, carrier: arrival.carrier }, 'message refused')
    return verdict
  }

  return { gossip, request, idle: () => lanes.idle() }
}

function nack(code: ProtocolCode | InboxCode, message: string, words?: Readonly<Record<string, string>>): Answer {
  return { status: 'NACK', error: { code: words?.[code] ?? code, message } }
}

/** Whoever is refused, or sends what a domain keeps anyway, does not fill the journal with it. */
function frameOnly({ bulky }: { readonly bulky?: boolean }, answer: Answer): boolean {
  return answer.status === 'NACK' || bulky === true
}

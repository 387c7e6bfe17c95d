import { backoffMs } from '../kernel/backoff.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { MessageId, NewId, PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { type Answer, type Commit, type Draft, type Outcome, outcome, type Refusal } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import { answerFrom, answerSchema } from '../protocol/answer.ts'
import { canonical } from '../protocol/canonical.ts'
import type { UnsignedEnvelope } from '../protocol/envelope.ts'
import type { Identity } from '../protocol/keys.ts'
import type { MessageType, MessageTypes } from '../protocol/message-type.ts'
import type { Courier } from './courier.ts'
import type { Journal } from './journal.ts'
import { type PendingMessage, stamp } from './wire.ts'

const RETRY = { baseMs: 500, maxMs: 15_000 }
/** Refusals that say "later", not "no". */
const TRANSIENT = new Set(['INBOX_BUSY', 'INBOX_FAILED'])

export interface OutboxDeps<Fact> {
  readonly identity: Identity
  readonly network: string
  readonly journal: Journal
  readonly courier: Courier
  readonly commit: Commit<Fact>
  readonly types: MessageTypes<Fact>
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly log: Log
  readonly metrics: Metrics
}

export interface Outbox<Fact> extends Part {
  /** Writes messages to be sent into the open transaction. */
  keep(drafts: readonly Draft[]): void
  /** Starts the lanes of what was kept. */
  wake(): void
  /** Sends once, keeps nothing and retries nothing: for what the next message replaces. */
  post(draft: Draft): void
  /** The types by which recipients on a topic answer. */
  readonly answers: MessageTypes<Fact>
  /** A peer came back: what waits for it goes now. */
  peerConnected(peer: PeerId): void
}

interface Lane {
  /** Aborted to end a wait early. */
  pause: AbortController
}

/** Kept messages go out in one lane for each recipient, in order, until acknowledged, refused or expired. */
export function createOutbox<Fact>(deps: OutboxDeps<Fact>): Outbox<Fact> {
  const { journal, courier, commit, clock, log, metrics } = deps
  const lanes = new Map<PeerId | undefined, Lane>()
  const touched = new Set<PeerId | undefined>()
  const delivered = metrics.counter('messages_delivered_total', 'Messages acknowledged by their recipient')
  const dead = metrics.counter('messages_dead_lettered_total', 'Messages nobody acknowledged in time')
  const retries = metrics.counter('outbox_retries_total', 'Deliveries tried again')
  metrics.gauge('outbox_lanes', 'Recipients that messages wait for', () => lanes.size)
  let stopping: AbortController | undefined

  function keep(drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      const envelope = stamp(draft, { peerId: deps.identity.peerId, network: deps.network }, clock, deps.newId)
      touched.add(draft.to)
      journal.insert({
        direction: 'out',
        id: envelope.id,
        type: envelope.type,
        taskId: envelope.task_id,
        peer: envelope.to,
        at: envelope.created,
        expires: envelope.expires,
        envelope: canonical(envelope),
        carrier: draft.carrier,
        sealed: draft.sealed === true,
        state: 'pending',
        answer: undefined,
      })
    }
  }

  function wake(): void {
    for (const peer of touched) startLane(peer)
    touched.clear()
  }

  function startLane(peer: PeerId | undefined): void {
    if (stopping === undefined || stopping.signal.aborted || lanes.has(peer)) return
    const lane = { pause: new AbortController() }
    lanes.set(peer, lane)
    drain(peer, lane, stopping.signal)
      .catch(error =>
        log.error({ err: error, peer }, 'a lane of the outbox failed; it starts again with the next message'),
      )
      .finally(() => {
        lanes.delete(peer)
        // Something may have been kept between the last look and now.
        if (journal.nextFor(peer) !== undefined && stopping?.signal.aborted === false) startLane(peer)
      })
      .catch(() => undefined)
  }

  async function drain(peer: PeerId | undefined, lane: Lane, stop: AbortSignal): Promise<void> {
    for (let row = journal.nextFor(peer); row !== undefined && !stop.aborted; row = journal.nextFor(peer)) {
      if ((await deliver(row, stop)) || stop.aborted) continue
      const attempt = await triedAgain(row)
      retries()
      lane.pause = new AbortController()
      const backMs = backoffMs(attempt, RETRY, deps.random())
      // Its end is not waited past; but a dead letter that cannot be kept (a full disk) waits like any other.
      const leftMs = row.expires - clock.now()
      await clock.sleep(leftMs > 0 ? Math.min(backMs, leftMs) : backMs, AbortSignal.any([stop, lane.pause.signal]))
    }
  }

  /** True when the message needs no further attempt. */
  async function deliver(row: PendingMessage, stop: AbortSignal): Promise<boolean> {
    try {
      if (row.expires <= clock.now()) return await expire(row)
      const answer = await courier.carry(row, row.attempts, stop)
      if (answer === 'settled') return true
      const { facts: _, ...result } = await commit(() => answered(row.id, row.peer as PeerId, answer))
      return result.answer.status === 'ACK'
    } catch (error) {
      if (!stop.aborted) {
        const fields = { message: row.id, type: row.type, task: row.taskId, peer: row.peer, attempt: row.attempts }
        log.debug({ ...fields, reason: messageOf(error) }, 'not delivered yet')
      }
      return false
    }
  }

  /** Counts an attempt where it outlives the process; how many there were. */
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
    return undelivered(row, answer.error)
  }

  async function expire(row: PendingMessage): Promise<true> {
    const refusal = { code: 'OUTBOX_EXPIRED', message: 'not acknowledged in time' }
    await commit(() => {
      journal.finish(row.id, 'expired', undefined)
      return undelivered(row, refusal)
    })
    dead()
    const fields = { message: row.id, type: row.type, task: row.taskId, peer: row.peer }
    log.warn(fields, 'nobody acknowledged a message in time; it is a dead letter now')
    return true
  }

  function undelivered(row: PendingMessage, refusal: Refusal): Outcome<Fact> {
    const envelope = JSON.parse(row.envelope) as UnsignedEnvelope
    try {
      const followed = deps.types.get(row.type)?.undelivered?.({ envelope, refusal })
      // Whatever follows, the message itself is done with.
      return followed === undefined ? outcome() : { ...followed, answer: { status: 'ACK' } }
    } catch (error) {
      log.error({ message: row.id, type: row.type, err: error }, 'a domain failed to hear of a message not delivered')
      return outcome()
    }
  }

  function post(draft: Draft): void {
    const envelope = stamp(draft, { peerId: deps.identity.peerId, network: deps.network }, clock, deps.newId)
    courier.send(envelope, draft).catch((error: unknown) => {
      log.debug(
        { type: draft.type, peer: draft.to, reason: messageOf(error) },
        'not delivered; the next one replaces it',
      )
    })
  }

  const answer: MessageType<Fact> = {
    payload: answerSchema,
    carriers: ['orders', 'stream'],
    sealed: false,
    kept: false,
    handle({ reply_to, sender_id }, payload) {
      const given = reply_to === undefined ? undefined : answerFrom(payload, reply_to)
      return reply_to === undefined || given === undefined ? outcome() : answered(reply_to, sender_id, given)
    },
  }

  return {
    name: 'outbox',
    post,
    answers: new Map([
      ['ack', answer],
      ['nack', answer],
    ]),
    start() {
      stopping = new AbortController()
      for (const peer of journal.waitingRecipients()) startLane(peer)
    },
    stop() {
      stopping?.abort()
      for (const lane of lanes.values()) lane.pause.abort()
    },
    keep,
    wake,
    peerConnected: peer => {
      lanes.get(peer)?.pause.abort()
      lanes.get(undefined)?.pause.abort()
    },
  }
}

import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { type Commit, type Draft, outcome } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import { answerFrom, answerSchema } from '../protocol/answer.ts'
import { canonical } from '../protocol/canonical.ts'
import type { Identity } from '../protocol/keys.ts'
import type { MessageType, MessageTypes } from '../protocol/message-type.ts'
import type { Courier } from './courier.ts'
import { createDelivery } from './delivery.ts'
import { createEndings, type Endings } from './endings.ts'
import type { Journal } from './journal.ts'
import { createLanes } from './lanes.ts'
import { stamp } from './wire.ts'

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
  /** These are on the disk now: starts their lanes. */
  wake(drafts: readonly Draft[]): void
  /** Sends once, keeps nothing and retries nothing: for what the next message replaces. */
  post(draft: Draft): void
  /** The types by which recipients on a topic answer. */
  readonly answers: MessageTypes<Fact>
  /** A peer came back: what waits for it goes now. */
  peerConnected(peer: PeerId): void
}

/** Kept messages go out in one lane for each recipient, in order, until acknowledged, refused or expired. */
export function createOutbox<Fact>(deps: OutboxDeps<Fact>): Outbox<Fact> {
  const { identity, network, journal, courier, commit, types, clock, random, newId, log, metrics } = deps
  const own = { peerId: identity.peerId, network }
  const endings = createEndings({ journal, courier, types, log, metrics })
  const delivery = createDelivery({ journal, courier, commit, endings, clock, log, metrics })
  const lanes = createLanes({ journal, delivery, clock, random, log, metrics })
  const answer = answerType(endings)

  function keep(drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      const envelope = stamp(draft, own, clock, newId)
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

  function post(draft: Draft): void {
    courier.send(stamp(draft, own, clock, newId), draft).catch((error: unknown) => {
      log.debug(
        { type: draft.type, peer: draft.to, reason: messageOf(error) },
        'not delivered; the next one replaces it',
      )
    })
  }

  return {
    name: 'outbox',
    start: lanes.start,
    stop: lanes.stop,
    keep,
    wake(drafts) {
      for (const { to } of drafts) lanes.enter(to)
    },
    post,
    answers: new Map([
      ['ack', answer],
      ['nack', answer],
    ]),
    peerConnected(peer) {
      lanes.hurry(peer)
      lanes.hurry(undefined)
    },
  }
}

/** An acknowledgement or a refusal that came by itself, as a message. */
function answerType<Fact>({ answered }: Endings<Fact>): MessageType<Fact> {
  return {
    payload: answerSchema,
    carriers: ['stream'],
    stream: 'peers',
    sealed: false,
    kept: false,
    handle({ reply_to, sender_id }, payload) {
      const given = reply_to === undefined ? undefined : answerFrom(payload, reply_to)
      return reply_to === undefined || given === undefined ? outcome() : answered(reply_to, sender_id, given)
    },
  }
}

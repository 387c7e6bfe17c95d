import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Answer, Commit } from '../kernel/outcome.ts'
import { createRateLimit } from '../kernel/rate.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { isSealed } from '../protocol/sealed.ts'
import { rejection, type Verdict } from '../protocol/verdict.ts'
import { type Arrival, type CheckDeps, check } from './check.ts'
import { createEffects } from './effects.ts'
import { createHandle } from './handling.ts'
import type { Journal } from './journal.ts'
import { createLanes } from './lanes.ts'
import { createRefuse, nack } from './refusals.ts'
import { createSeen } from './seen.ts'

/** How many messages may wait for their turn before new ones are turned away. */
const MAX_WAITING = 2_000

/** Messages of a peer at once: what it has to say after an absence, and half of what may wait for its turn here. */
export const BURST = 1_000
/** Messages of a peer a second in the long run: more than full work and full trade between two peers take. */
export const A_SECOND = 200
/** Bounded, because peers choose how many they are. */
const MAX_SENDERS = 4_096

export interface InboxDeps<Fact> extends CheckDeps<Fact> {
  readonly journal: Journal
  readonly commit: Commit<Fact>
  /** Sends the answer to a message that came by gossip. */
  readonly reply: (envelope: Envelope, answer: Answer, how: { carrier: Arrival['carrier']; sealed: boolean }) => void
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
  const { types, clock, journal, commit, open, log, metrics } = deps
  const lanes = createLanes(MAX_WAITING)
  const seen = createSeen(clock)
  const refuse = createRefuse({ log, metrics })
  const effects = createEffects<Fact>({ journal, seen, clock, metrics })
  const handle = createHandle<Fact>({ open, commit, effects, seen, refuse, log, metrics })
  const floods = createFloods(deps)
  metrics.gauge('inbox_waiting', 'Messages waiting for their turn', () => lanes.size())

  function gossip(arrival: Arrival): Verdict {
    const checked = check(arrival, deps)
    if (!checked.ok) return refuse(arrival, checked)
    const { envelope } = checked
    if (seen.has(envelope)) return refuse(arrival, rejection('ENV_REPLAYED'))
    if (floods(envelope)) return 'ignore'
    const taken = lanes.enter(envelope.task_id, async () => {
      const answer = await handle(arrival, checked)
      if (answer === undefined || envelope.to === undefined || !checked.type.kept) return
      deps.reply(envelope, answer, { carrier: arrival.carrier, sealed: isSealed(envelope.payload) })
    })
    return taken ? 'accept' : 'ignore'
  }

  async function request(arrival: Arrival): Promise<{ envelope: Envelope | undefined; answer: Answer }> {
    const checked = check(arrival, deps)
    const { envelope } = checked
    if (!checked.ok) {
      refuse(arrival, checked)
      // Whoever is at the other end learns why, if it is the one that says it wrote this.
      const asked = envelope?.sender_id === arrival.from ? envelope : undefined
      const words = envelope && types.get(envelope.type)?.codes
      return { envelope: asked, answer: nack(checked.code, checked.reason, words) }
    }
    if (floods(checked.envelope)) {
      return { envelope, answer: nack('INBOX_BUSY', 'too many messages of yours; send it again later') }
    }
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const taken = lanes.enter(checked.envelope.task_id, async () => {
      resolve((await handle(arrival, checked)) ?? nack('INBOX_FAILED', 'the message could not be kept; send it again'))
    })
    if (!taken) resolve(nack('INBOX_BUSY', 'too many messages are waiting; send it again later'))
    return { envelope, answer: await promise }
  }

  return { gossip, request, idle: () => lanes.idle() }
}

/** Before a domain hears of it or the journal keeps it. Counted by who signed, not by who carried it here. */
function createFloods({ clock, metrics }: Pick<InboxDeps<never>, 'clock' | 'metrics'>) {
  const tooMany = metrics.counter('messages_flood_total', 'Messages turned away: their sender said too much lately')
  const rates = createRateLimit<PeerId>({
    burst: BURST,
    perSecond: A_SECOND,
    maxKeys: MAX_SENDERS,
    now: clock.now,
  })
  return ({ sender_id: sender }: Envelope): boolean => {
    if (rates.take(sender)) return false
    tooMany()
    return true
  }
}

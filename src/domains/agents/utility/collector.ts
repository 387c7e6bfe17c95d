import type { Clock } from '../../../kernel/clock.ts'
import { messageOf } from '../../../kernel/errors.ts'
import type { PeerId } from '../../../kernel/ids.ts'
import type { Random } from '../../../kernel/random.ts'
import { countRound, type SocRound, type SocRow, type SocStore } from '../soc/round.ts'
import type { Client, SocReply } from './client.ts'

/** Real milliseconds. */
export interface RoundTiming {
  /** Households are asked at random within this long, so that a zone's batteries do not all answer in one instant. */
  readonly spreadMs: number
  /** After this a round ends with what it has. */
  readonly deadlineMs: number
  readonly requestTimeoutMs: number
}

/** A round that comes every `periodMs` of real time is spread over a fifth of it and over after a half. */
export function roundTiming(periodMs: number): RoundTiming {
  // A scenario's periods may be shorter than a network's breath.
  const deadlineMs = Math.max(2_000, Math.round(periodMs / 2))
  return {
    spreadMs: Math.round(periodMs / 5),
    deadlineMs,
    requestTimeoutMs: Math.min(10_000, Math.round(deadlineMs / 2)),
  }
}

export interface CollectorDeps {
  readonly client: Client
  readonly store: SocStore
  readonly timing: RoundTiming
  readonly clock: Clock
  readonly random: Random
}

export interface Collector {
  /** Asks each household once. Resolves by the deadline, or when `signal` aborts, with what came until then. */
  round(households: readonly PeerId[], signal: AbortSignal): Promise<SocRound>
}

/** Households asked at a time. */
export const CONCURRENCY = 8

export function createCollector({ client, store, timing, clock, random }: CollectorDeps): Collector {
  async function ask(peer: PeerId, signal: AbortSignal): Promise<SocRow> {
    try {
      const reply = await client.ask(peer, store.refusal(peer)?.cardHash, signal)
      return rowOf(peer, reply, clock.now())
    } catch (error) {
      return { peer, atMs: clock.now(), outcome: 'silent', reason: messageOf(error).slice(0, 300).toWellFormed() }
    }
  }

  return {
    async round(households, signal) {
      const startedMs = clock.now()
      const peers = [...new Set(households)]
      client.keepOnly(new Set(peers))
      const rows = new Map<PeerId, SocRow>()
      const over = new AbortController()
      const until = AbortSignal.any([signal, over.signal])
      const due = peers
        .map(peer => ({ peer, dueMs: startedMs + Math.floor(random() * timing.spreadMs) }))
        .toSorted((a, b) => a.dueMs - b.dueMs)

      async function lane(): Promise<void> {
        for await (const peer of falling(due, clock, until)) {
          const row = await ask(peer, until)
          // What fails because the round ends, nobody failed at: the row of a missing one tells it better.
          if (!until.aborted) rows.set(peer, row)
        }
      }

      const lanes = Promise.all(Array.from({ length: CONCURRENCY }, lane))
      await Promise.race([lanes, clock.sleep(timing.deadlineMs, until)])
      over.abort()
      const endedMs = clock.now()
      const reason = signal.aborted ? 'the round was broken off' : 'no answer before the round ended'
      return countRound(
        peers.map(peer => rows.get(peer) ?? { peer, atMs: endedMs, outcome: 'silent', reason }),
        startedMs,
        endedMs,
      )
    },
  }
}

interface Due {
  readonly peer: PeerId
  readonly dueMs: number
}

/** Takes the next of a common queue, each when it falls due, until there is none or the signal aborts. */
async function* falling(queue: Due[], clock: Clock, until: AbortSignal): AsyncGenerator<PeerId> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const waitMs = next.dueMs - clock.now()
    if (waitMs > 0) await clock.sleep(waitMs, until)
    if (until.aborted) return
    yield next.peer
  }
}

function rowOf(peer: PeerId, reply: SocReply, atMs: number): SocRow {
  if (reply.outcome === 'refused') return { peer, atMs, ...reply }
  return { peer, atMs, outcome: 'answered', ...reply.soc }
}

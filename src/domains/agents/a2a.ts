import type { Clock } from '../../kernel/clock.ts'
import type { NewId, PeerId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { Metrics } from '../../kernel/metrics.ts'
import type { Outcome } from '../../kernel/outcome.ts'
import type { Random } from '../../kernel/random.ts'
import type { Slot } from '../../kernel/slot.ts'
import type { SendRequest } from './carrier.ts'
import { createAgent } from './household/agent.ts'
import type { HouseholdView } from './household/executor.ts'
import { roundOutcome, type SocFact, type SocRound, type SocStore } from './soc/round.ts'
import { createClient } from './utility/client.ts'
import { createCollector, type RoundTiming } from './utility/collector.ts'

export interface A2aDeps {
  readonly self: PeerId
  /** Of this peer, as its card shows them. */
  readonly name: string
  readonly version: string
  readonly household: HouseholdView
  readonly send: SendRequest
  readonly timing: RoundTiming
  /** How long an agent card is believed. */
  readonly cardAgeMs?: number
  readonly store: SocStore
  /** The slot of market time that is now. */
  readonly currentSlot: () => Slot
  /** Real time. */
  readonly clock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly log: Log
  readonly metrics: Metrics
}

export interface A2a {
  /** Answers another agent's frame; never rejects. `from` is whom the connection proved to be there. */
  answer(bytes: Uint8Array, from: PeerId): Promise<Uint8Array>
  /**
   * Asks households for their states of charge. Resolves by the deadline with what came until then. A round that was
   * broken off by `signal` is not worth keeping: its silence is ours.
   */
  round(households: readonly PeerId[], signal: AbortSignal): Promise<SocRound>
  /** What a round leaves to be kept. */
  roundOutcome(round: SocRound): Outcome<SocFact>
}

const CARD_AGE_MS = 60 * 60_000

/** A household that agents may ask, and a utility that asks: Agent2Agent 1.0, carried by streams between peers. */
export function createA2a(deps: A2aDeps): A2a {
  const { clock, newId, store, timing, log, metrics } = deps
  const now = (): number => clock.now()
  const { sharesSoc } = deps.household
  const agent = createAgent({ ...deps, sharesSoc, now })
  const client = createClient({
    send: deps.send,
    now,
    newId,
    currentSlot: deps.currentSlot,
    timeoutMs: timing.requestTimeoutMs,
    cardAgeMs: deps.cardAgeMs ?? CARD_AGE_MS,
  })
  const collector = createCollector({ client, store, timing, clock, random: deps.random })
  const answers = metrics.counter('a2a_answers_total', 'Frames of other agents answered, by HTTP status.', ['status'])
  const outcomes = metrics.counter('soc_households_total', 'Households of collecting rounds, by outcome.', ['outcome'])

  return {
    async answer(bytes, from) {
      const answer = await agent.answer(bytes, from)
      answers({ status: String(answer.status) })
      return answer.bytes
    },
    async round(households, signal) {
      const round = await collector.round(households, signal)
      for (const { peer, ...row } of round.rows) {
        outcomes({ outcome: row.outcome })
        if (row.outcome !== 'answered')
          log.debug({ peer, outcome: row.outcome, reason: row.reason }, 'no state of charge')
      }
      const { asked, answered, refused, silent, tookMs } = round
      log.info({ asked, answered, refused, silent, tookMs }, 'collected states of charge')
      return round
    },
    roundOutcome: round => roundOutcome(round, store),
  }
}

import type { HouseholdView } from '../../src/domains/agents/household/executor.ts'
import type { SocFact, SocReading, SocRefusal, SocRoundRecord, SocStore } from '../../src/domains/agents/soc/round.ts'
import type { Slot } from '../../src/domains/agents/soc/series.ts'
import type { PeerId } from '../../src/kernel/ids.ts'

export const SLOT: Slot = { startMs: Date.UTC(2026, 5, 1, 12), durationMs: 900_000 }
export interface SocMemory extends SocStore {
  readonly readings: SocReading[]
  readonly rounds: SocRoundRecord[]
  readonly refusals: Map<PeerId, SocRefusal>
  keep(facts: readonly SocFact[]): void
}

/** What storage does with the facts of the rounds, in memory. */
export function socMemory(): SocMemory {
  const readings: SocReading[] = []
  const rounds: SocRoundRecord[] = []
  const refusals = new Map<PeerId, SocRefusal>()
  return {
    readings,
    rounds,
    refusals,
    refusal: peer => refusals.get(peer),
    keep(facts) {
      for (const fact of facts) {
        if (fact.kind === 'soc') readings.push(fact.reading)
        else if (fact.kind === 'soc.refusal') refusals.set(fact.refusal.peer, fact.refusal)
        else if (fact.kind === 'soc.consent') refusals.delete(fact.peer)
        else rounds.push(fact.round)
      }
    },
  }
}

/** A household that shares 6 kWh with everybody who says to be a utility of its zone. */
export const OPEN: HouseholdView = {
  sharesSoc: true,
  isUtility: () => true,
  sharesWith: () => true,
  inZone: () => true,
  stateOfCharge: () => ({ socWh: 6_000, slot: SLOT }),
}

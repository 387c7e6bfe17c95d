import { agentsDomain } from '../../src/domains/agents/agents.ts'
import type { HouseholdView } from '../../src/domains/agents/household/executor.ts'
import type { SocFact } from '../../src/domains/agents/soc/round.ts'
import type { AgentsRead } from '../../src/domains/agents/store.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import type { Slot } from '../../src/kernel/slot.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { openStoreOf } from './open-domain.ts'
import { written } from './written.ts'

export const SLOT: Slot = { startMs: Date.UTC(2026, 5, 1, 12), durationMs: 900_000 }
export interface SocMemory extends AgentsRead {
  keep(facts: readonly SocFact[]): void
}

/** What a utility keeps of the rounds, in a database in memory. */
export function socMemory(): SocMemory {
  const storage = openStorage(':memory:', { clock: { now: () => SLOT.startMs }, metrics: createMetrics() })
  const { read, apply } = openStoreOf(agentsDomain, storage)
  return { ...read, keep: facts => written(storage, () => facts.forEach(apply)) }
}

/** A household that shares 6 kWh with everybody who says to be a utility of its zone. */
export const OPEN: HouseholdView = {
  sharesSoc: true,
  isUtility: () => true,
  sharesWith: () => true,
  inZone: () => true,
  stateOfCharge: () => ({ socWh: 6_000, slot: SLOT }),
}

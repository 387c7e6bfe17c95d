import type { DatabaseSync } from 'node:sqlite'
import type { EnergyFact, HouseholdState, KeptDecision, SettledSlot } from '../../domains/energy/household.ts'
import type { Reading } from '../../domains/energy/meter/reading-chain.ts'
import { createDocuments } from '../documents.ts'

type Of<Kind extends EnergyFact['kind']> = Extract<EnergyFact, { kind: Kind }>

const SELF = 'self'
const KEPT_DECISIONS = 1_000
/** Half a year of quarter-hours. */
const KEPT_SLOTS = 17_520
/** Looked at now and then, not at each write. */
const TRIM_EVERY = 200

/** The household's state, its settled slots, its decisions, and the chain of its meter. */
export function energyFacts(db: DatabaseSync, now: () => number) {
  const households = createDocuments<HouseholdState>(db, 'household')
  const slots = createDocuments<SettledSlot>(db, 'slot')
  const decisions = createDocuments<KeptDecision>(db, 'decision')
  const readings = createDocuments<Reading>(db, 'reading')
  let writes = 0

  function trim(): void {
    if (++writes % TRIM_EVERY !== 0) return
    decisions.keepNewest(KEPT_DECISIONS)
    slots.keepNewest(KEPT_SLOTS)
  }

  return {
    writers: {
      household: ({ household }: Of<'household'>) => households.put({ key: SELF, body: household }, now()),
      slot: ({ slot }: Of<'slot'>) => slots.put({ key: String(slot.slot), rank: slot.slot, body: slot }, now()),
      decision: ({ decision }: Of<'decision'>) => {
        decisions.put({ key: String(decision.slot), rank: decision.slot, body: decision }, now())
        trim()
      },
      // The state tells a final reading from a correction of one; the rank puts the chain in order.
      reading({ reading }: Of<'reading'>) {
        if (reading.link % TRIM_EVERY === 0) readings.pruneRanked(reading.link - KEPT_SLOTS)
        readings.put(
          {
            key: `${reading.meterId}/${String(reading.link).padStart(12, '0')}`,
            owner: reading.corrects === undefined ? `slot/${reading.slot}` : 'correction',
            state: reading.meterId,
            rank: reading.link,
            body: reading,
          },
          now(),
        )
      },
    },
    readers: {
      household: () => households.get(SELF),
      slot: (slotNumber: number) => slots.get(String(slotNumber)),
      slots: (limit: number) => slots.all(limit).sort((a, b) => a.slot - b.slot),
      decisions: (limit: number) => decisions.all(limit).sort((a, b) => a.slot - b.slot),
      lastReading: (meterId: string) => readings.lastInState(meterId),
      reading: (slotNumber: number) => readings.ownedBy(`slot/${slotNumber}`).at(-1),
      /** Whose readings are kept. */
      meters: () => Object.keys(readings.countByState()),
      /** The next of a meter’s readings after that link, in the order of their links. */
      chain: (meterId: string, afterLink: number, limit: number) => readings.inStateAfter(meterId, afterLink, limit),
      readings: (limit: number) => readings.all(limit).sort((a, b) => a.link - b.link),
    },
  }
}

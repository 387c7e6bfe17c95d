import { createDocuments } from '../../storage/documents.ts'
import { applyBy, type Db, type Kept, type StoreTools } from '../../storage/kept.ts'
import type { EnergyFact, HouseholdState, KeptDecision, SettledSlot } from './household.ts'
import type { Reading } from './meter/reading-chain.ts'

const SELF = 'self'
const KEPT_DECISIONS = 1_000
/** Half a year of quarter-hours. */
const KEPT_SLOTS = 17_520
/** Substitutes whose meter may still come to speak: a day of quarter-hours. Of a process that ended nothing late can come. */
const MAX_LATE = 96
/** Looked at now and then, not at each write. */
const TRIM_EVERY = 200

/** What the energy domain reads of its own. */
export interface EnergyRead {
  household(): HouseholdState | undefined
  slot(slotNumber: number): SettledSlot | undefined
  /** The newest, in the order of their slots. */
  slots(limit: number): SettledSlot[]
  decisions(limit: number): KeptDecision[]
  lastReading(meterId: string): Reading | undefined
  reading(slotNumber: number): Reading | undefined
  /** Whose readings are kept. */
  meters(): string[]
  /** The next of a meter’s readings after that link, in the order of their links. */
  chain(meterId: string, afterLink: number, limit: number): Reading[]
  readings(limit: number): Reading[]
  /** Slots that got a substitute in this life of the daemon, the oldest first. */
  substituted(): number[]
}

/** The household's state, its settled slots, its decisions, and the chain of its meter. */
export function energyStore(db: Db, { now, memory, undo }: StoreTools): Kept<EnergyFact, EnergyRead> {
  const households = createDocuments<HouseholdState>(db, 'household')
  const slots = createDocuments<SettledSlot>(db, 'slot')
  const decisions = createDocuments<KeptDecision>(db, 'decision')
  const readings = createDocuments<Reading>(db, 'reading')
  const substituted = memory<number, true>(MAX_LATE)
  let writes = 0

  function trim(): void {
    writes++
    undo(() => writes--)
    if (writes % TRIM_EVERY !== 0) return
    decisions.keepNewest(KEPT_DECISIONS)
    slots.keepNewest(KEPT_SLOTS)
  }

  return {
    apply: applyBy<EnergyFact>({
      'energy.household': ({ household }) => households.put({ key: SELF, body: household }, now()),
      'energy.slot': ({ slot }) => slots.put({ key: String(slot.slot), rank: slot.slot, body: slot }, now()),
      'energy.decision': ({ decision }) => {
        decisions.put({ key: String(decision.slot), rank: decision.slot, body: decision }, now())
        trim()
      },
      // The state tells a final reading from a correction of one; the rank puts the chain in order.
      'energy.reading': ({ reading }) => {
        if (reading.corrects !== undefined) substituted.delete(reading.slot)
        if (reading.substitutes !== undefined) substituted.set(reading.slot, true)
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
    }),
    read: {
      household: () => households.get(SELF),
      slot: slotNumber => slots.get(String(slotNumber)),
      slots: limit => slots.all(limit).sort((a, b) => a.slot - b.slot),
      decisions: limit => decisions.all(limit).sort((a, b) => a.slot - b.slot),
      lastReading: meterId => readings.lastInState(meterId),
      reading: slotNumber => readings.ownedBy(`slot/${slotNumber}`).at(-1),
      meters: () => Object.keys(readings.countByState()),
      chain: (meterId, afterLink, limit) => readings.inStateAfter(meterId, afterLink, limit),
      readings: limit => readings.all(limit).sort((a, b) => a.link - b.link),
      substituted: () => [...substituted.keys()],
    },
  }
}

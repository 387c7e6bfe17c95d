import { type Outcome, outcome } from '../../../kernel/outcome.ts'
import { slotNumberAt, slotStartMs } from '../../../kernel/slot.ts'
import type { Meter, SlotReading } from './meter.ts'
import { appendReading, type Link, type Reading, type ReadingFact } from './reading-chain.ts'
import { FORMER_DAYS, substituteFor, type Traded } from './substitute.ts'

export interface MeteringDeps {
  readonly meter: Meter
  /** Names the meter in its chain; it never leaves the household. */
  readonly meterId: string
  readonly slotMs: number
  /**
   * How long after that slot's end the meter may take, in market time. Infinity while it is sure to speak, as the
   * simulated one is until its household has had its turn: then nothing is estimated.
   */
  graceMs(slotNumber: number): number
  /** Market time. */
  now(): number
  sign(text: string): string
  readonly store: {
    /** The last link of that meter's chain. */
    lastReading(meterId: string): Reading | undefined
    /** The reading a slot is settled by: no correction. */
    reading(slotNumber: number): Reading | undefined
    /** Slots in `from ≤ slot < before` that an agreed trade waits for: not settled, and without a reading. In order. */
    owedSlots(from: number, before: number): readonly number[]
    tradedWh(slotNumber: number): Traded
    /** Slots that got a substitute in this life of the daemon: their meter may still come to speak. The oldest first. */
    substituted(): readonly number[]
  }
}

export interface Metering {
  /**
   * When `turn` has something to keep, in market time; undefined: not before the meter, or its household, has spoken.
   * Cheap.
   */
  dueMs(): number | undefined
  /** Keeps what the meter has said since, and substitutes for what it failed to say in time. */
  turn(): Outcome<ReadingFact>
}

interface Begun extends MeteringDeps {
  /** The first slot that is seen whole. */
  readonly firstWhole: number
}

/** Readings kept at once: each is signed, and nothing else runs meanwhile. The rest is due again at once. */
const MAX_AT_ONCE = 100
/** Slots a household that was away still gives readings for; of older ones only for those that trades wait for. */
const MAX_CATCH_UP = 1_000
const DAY_MS = 24 * 60 * 60_000

/**
 * Turns what a meter says into the chain of readings that slots are settled by: one for each slot, in order, and final.
 * A slot the meter is silent about, or contradicts itself about, gets a substitute when the grace is over; when the
 * meter speaks after that, its reading is kept beside the substitute and reopens nothing.
 *
 * A chain begins with the first slot its meter sees whole, or with an earlier one, the running one too, that a trade
 * waits for: else what was sold before the meter was changed would never be settled. Of what is older than `MAX_CATCH_UP`
 * it has only the slots that trades wait for. A meter that knows nothing of a slot is treated as a silent one. What
 * another meter has read is final, and not read again.
 */
export function createMetering(deps: MeteringDeps): Metering {
  // The slot in which metering begins is not seen whole.
  const begun: Begun = { ...deps, firstWhole: currentSlot(deps) + 1 }
  const { meterId, slotMs, store, sign } = deps

  return {
    dueMs() {
      const last = store.lastReading(meterId)
      if (finalLinks(last, 1, begun).length > 0 || lateLinks(begun).length > 0) return 0
      const [open = currentSlot(begun)] = openSlots(last, begun)
      const graceMs = deps.graceMs(open)
      return Number.isFinite(graceMs) ? slotStartMs(open + 1, slotMs) + graceMs : undefined
    },
    turn() {
      let last = store.lastReading(meterId)
      const links = [...lateLinks(begun), ...finalLinks(last, MAX_AT_ONCE, begun)]
      const facts = links.map((link): ReadingFact => {
        last = appendReading(last, link, sign)
        return { kind: 'energy.reading', reading: last }
      })
      return outcome(facts)
    },
  }
}

function currentSlot({ now, slotMs }: MeteringDeps): number {
  return slotNumberAt(now(), slotMs)
}

/** Slots that are over and want a reading, in order; `last` is the chain's end. */
function* openSlots(last: Reading | undefined, begun: Begun): Generator<number> {
  const { store, firstWhole } = begun
  const next = last === undefined ? (store.owedSlots(0, firstWhole)[0] ?? firstWhole) : last.finalSlot + 1
  const whole = Math.max(next, currentSlot(begun) - MAX_CATCH_UP)
  if (next < whole) yield* store.owedSlots(next, whole)
  for (let slot = whole; slot < currentSlot(begun); slot++) {
    if (store.reading(slot) === undefined) yield slot
  }
}

/** The next links, up to the first slot whose meter may still speak. */
function finalLinks(last: Reading | undefined, most: number, begun: Begun): Link[] {
  const links: Link[] = []
  for (const slot of openSlots(last, begun)) {
    const link = finalLink(slot, begun)
    if (link === undefined) break
    links.push(link)
    if (links.length >= most) break
  }
  return links
}

/** The next link for a slot that is over; undefined: its meter may still speak. */
function finalLink(slot: number, begun: Begun): Link | undefined {
  const { meter, slotMs, graceMs, now } = begun
  const said = meter.reading(slot)
  if (said?.quality === 'OK') return measured(said, begun)
  if (now() < slotStartMs(slot + 1, slotMs) + graceMs(slot)) return undefined
  return substitute(slot, said?.quality ?? 'MISSING', begun)
}

function measured({ slot, importWh, exportWh }: SlotReading, { meterId, slotMs }: Begun): Link {
  return { meterId, slot, slotMs, importWh, exportWh, quality: 'OK' }
}

function substitute(slot: number, substitutes: 'MISSING' | 'BAD', { meterId, slotMs, store }: Begun): Link {
  const slotsADay = Math.max(1, Math.round(DAY_MS / slotMs))
  const former = Array.from({ length: FORMER_DAYS }, (_, i) => store.reading(slot - (i + 1) * slotsADay))
  const energies = substituteFor(
    store.tradedWh(slot),
    former.filter(reading => reading !== undefined),
  )
  return { meterId, slot, slotMs, ...energies, quality: 'ESTIMATED', substitutes }
}

/** What the meter says after all, and the substitute it came too late for. */
function lateLinks(begun: Begun): Link[] {
  const { meter, store } = begun
  return store.substituted().flatMap(slot => {
    const said = meter.reading(slot)
    if (said?.quality !== 'OK') return []
    const final = store.reading(slot)
    return final?.quality === 'ESTIMATED' ? [{ ...measured(said, begun), corrects: final.hash }] : []
  })
}

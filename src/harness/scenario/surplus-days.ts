import { optionsSchema } from '../../config/options.ts'
import { type Preferences, type SlotPrices, type SurplusSlot, surplusDay } from '../../domains/manners/offline.ts'
import { type HomeSlot, realHomes, realTariff, SLOTS_AN_HOUR } from './real-homes.ts'

/** What mode `surplus` made of one day of one home. */
export interface HomeDay {
  readonly home: string
  readonly day: number
  readonly slots: readonly SurplusSlot[]
}

/** All that the days were worked out from; money in millionths. */
export interface SurplusStreet {
  readonly homes: readonly string[]
  readonly days: readonly HomeDay[]
  readonly preferences: Preferences
  readonly slotMs: number
  /** Energy of the work that waits in each home from each midnight on. */
  readonly workWh: number
  /** Of the day: work left then waits no longer. */
  readonly latestStartMs: number
  readonly threads: number
  /** Of a slot, counted from the first day's midnight. */
  readonly prices: (slot: number) => SlotPrices
}

const HOUR_MS = 60 * 60_000
const SLOT_MS = HOUR_MS / SLOTS_AN_HOUR
const SLOTS_A_DAY = 24 * SLOTS_AN_HOUR
const THREADS = 2
const WORK_HOURS = 3
/** What is left by then one thread can do by midnight: without a surplus no more than one runs. */
const LATEST_START_HOUR = 18
/** The homes' source has no export price: what a utility pays here, and what neighbours do, by day and in the evening. */
const FEED_IN_MICRO = 80_000
const NEIGHBOUR_MICRO = { day: 150_000, evening: 220_000 }
const EVENING_HOUR = 16

/**
 * Real homes with the daemon's own defaults, but for the mode: in each, three hours of work for all threads come at
 * midnight, and the daemon's decision says when they run.
 * @throws HARNESS_DATA
 */
export function surplusStreet(data: string, days: number): SurplusStreet {
  const [homes, tariff] = [realHomes(data), realTariff(data)]
  const { manners, compute } = optionsSchema.parse({})
  const preferences: Preferences = { ...manners, mode: 'surplus', taskPowerW: compute.watts }
  const street = {
    homes: [...homes.keys()],
    preferences,
    slotMs: SLOT_MS,
    threads: THREADS,
    workWh: WORK_HOURS * THREADS * preferences.taskPowerW,
    latestStartMs: LATEST_START_HOUR * HOUR_MS,
    prices: (slot: number) => pricesAt(slot, tariff),
  }
  return {
    ...street,
    days: [...homes].flatMap(([home, slots]) => daysOf(home, slots.slice(0, days * SLOTS_A_DAY), street)),
  }
}

function pricesAt(slot: number, tariff: readonly number[]): SlotPrices {
  const hour = Math.floor(slot / SLOTS_AN_HOUR)
  const sellMicro = hour % 24 >= EVENING_HOUR ? NEIGHBOUR_MICRO.evening : NEIGHBOUR_MICRO.day
  return { sellMicro, feedInMicro: FEED_IN_MICRO, buyMicro: tariff[hour] ?? 0 }
}

function daysOf(home: string, slots: readonly HomeSlot[], street: Omit<SurplusStreet, 'days'>): HomeDay[] {
  const { preferences, workWh, latestStartMs, slotMs, prices } = street
  const machine = { cores: THREADS, memoryMb: 8_000, maxThreads: THREADS, threadMemoryMb: 400 }
  return Array.from({ length: Math.floor(slots.length / SLOTS_A_DAY) }, (_, day) => {
    const first = day * SLOTS_A_DAY
    const job = { slotMs, preferences, machine, workWh, latestStartMs }
    const profile = slots.slice(first, first + SLOTS_A_DAY)
    return { home, day, slots: surplusDay(profile, slot => prices(first + slot), job) }
  })
}

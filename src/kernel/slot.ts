/** A delivery slot: the stretch of market time in which traded energy flows. */
export interface Slot {
  /** Unix milliseconds of market time. */
  readonly startMs: number
  readonly durationMs: number
}

/** Slots of one length are numbered from the Unix epoch of market time: which one runs at that moment. */
export function slotNumberAt(marketMs: number, slotMs: number): number {
  return Math.floor(marketMs / slotMs)
}

/** Where a slot begins; with the next number, where it ends. */
export function slotStartMs(slotNumber: number, slotMs: number): number {
  return slotNumber * slotMs
}

export function numberedSlot(slotNumber: number, slotMs: number): Slot {
  return { startMs: slotStartMs(slotNumber, slotMs), durationMs: slotMs }
}

/** A fraction where slots of this length do not begin: strangers may count otherwise, and who hears of their slots looks. */
export function slotNumberOf({ startMs }: Pick<Slot, 'startMs'>, slotMs: number): number {
  return startMs / slotMs
}

export function slotAt(marketMs: number, slotMs: number): Slot {
  return numberedSlot(slotNumberAt(marketMs, slotMs), slotMs)
}

/** The slot that many after this one, as long as it. */
export function slotAfter({ startMs, durationMs }: Slot, slots = 1): Slot {
  return { startMs: startMs + slots * durationMs, durationMs }
}

/** How many slots after the first the other begins, the nearest whole number. */
export function slotsBetween(first: Slot, other: Slot): number {
  return Math.round((other.startMs - first.startMs) / first.durationMs)
}

export function slotEndMs({ startMs, durationMs }: Slot): number {
  return startMs + durationMs
}

export function slotKey(slot: Slot): string {
  return `${slot.startMs}/${slot.durationMs}`
}

export function isSameSlot(a: Slot, b: Slot): boolean {
  return a.startMs === b.startMs && a.durationMs === b.durationMs
}

/** RFC 3339, as Beckn's `intervalPeriod.start` wants it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}

/** An ISO 8601 duration in the largest of hours, minutes and seconds that it is a whole number of; rounded to seconds. */
export function isoDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds % 3600 === 0) return `PT${seconds / 3600}H`
  return seconds % 60 === 0 ? `PT${seconds / 60}M` : `PT${seconds}S`
}

/** ISO 8601, as OpenADR has it: an interval may run backwards. Something follows each letter that promises it. */
export const ISO_DURATION =
  /^-?P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const PARTS_MS = [365 * DAY_MS, 30 * DAY_MS, 7 * DAY_MS, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS]

/**
 * Whole milliseconds of an ISO 8601 duration; undefined when it is none. A year has 365 days and a month 30, which is
 * good for how long a message means something, and not for a slot.
 */
export function parseIsoDuration(text: string): number | undefined {
  const parts = ISO_DURATION.exec(text)?.slice(1)
  if (parts === undefined) return undefined
  const lengthMs = parts.reduce((sum, part, index) => sum + Number(part ?? 0) * (PARTS_MS[index] ?? 0), 0)
  return Math.round(text.startsWith('-') ? -lengthMs : lengthMs)
}

/** Slots of a second to a year, in this century: what a stranger says must stay a date that can be printed. */
const MIN_SLOT_MS = SECOND_MS
const MAX_SLOT_MS = 366 * DAY_MS
const LAST_START_MS = Date.UTC(2100, 0)
/** Hours, minutes and seconds down to the millisecond: only these are as long every time. */
const EXACT = /^PT(?!.*\.\d{4})/

/** A slot as messages carry it. */
export function slotPeriod({ startMs, durationMs }: Slot): { start: string; duration: string } {
  return { start: timestamp(startMs), duration: isoDuration(durationMs) }
}

/** A slot as messages carry it, a moment and an exact ISO 8601 duration; undefined when it is none, or nobody's. */
export function readSlot({ start, duration }: { readonly start: string; readonly duration: string }): Slot | undefined {
  const startMs = Date.parse(start)
  const durationMs = EXACT.test(duration) ? parseIsoDuration(duration) : undefined
  if (durationMs === undefined || durationMs < MIN_SLOT_MS || durationMs > MAX_SLOT_MS) return undefined
  return startMs >= 0 && startMs <= LAST_START_MS ? { startMs, durationMs } : undefined
}

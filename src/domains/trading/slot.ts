/** A delivery slot: the stretch of market time in which traded energy flows. */
export interface Slot {
  /** Unix milliseconds of market time. */
  readonly startMs: number
  readonly durationMs: number
}

export function slotAt(marketMs: number, slotMs: number): Slot {
  return { startMs: Math.floor(marketMs / slotMs) * slotMs, durationMs: slotMs }
}

export function slotAfter(slot: Slot): Slot {
  return { startMs: slot.startMs + slot.durationMs, durationMs: slot.durationMs }
}

export function slotKey(slot: Slot): string {
  return `${slot.startMs}/${slot.durationMs}`
}

/** RFC 3339, as Beckn's `intervalPeriod.start` wants it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}

/** ISO 8601 duration in seconds, minutes or hours. */
export function isoDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds % 3600 === 0) return `PT${seconds / 3600}H`
  return seconds % 60 === 0 ? `PT${seconds / 60}M` : `PT${seconds}S`
}

export function parseIsoDuration(text: string): number | undefined {
  const match = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$/.exec(text)
  if (match === null || text === 'PT') return undefined
  const [, hours = '0', minutes = '0', seconds = '0'] = match
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
}

import { type LoadSeries, type Stretch, slotsOf } from './series.ts'

/** Why nothing is forecast. */
export interface NoForecast {
  readonly reason: string
}

/** Less says nothing of how days differ. */
const LEAST_DAYS = 2
/**
 * A house that is lived in draws something: a refrigerator comes on within hours. Exact zeros for so long in a row are
 * a meter that does not measure. A day or two of them is an outage; with so many within six weeks, the days between
 * are not to be believed either.
 */
const DEAD_HOURS = 3
const WITHIN_DAYS = 42
const DEAD_DAYS = 10
/** Of fewer days: this share. */
const DEAD_SHARE = 0.5

/** Why these days do not carry a forecast; undefined: they do. */
export function refusalOf(series: LoadSeries, { from, to }: Stretch): NoForecast | undefined {
  const days = Math.max(0, to - from)
  if (days < LEAST_DAYS) return { reason: `${days} days are metered, a forecast needs ${LEAST_DAYS}` }
  const dead: boolean[] = []
  for (let day = from; day < to; day++) {
    const slots = slotsOf(series, day)
    const bad = firstBad(slots)
    if (bad !== -1) return { reason: `slot ${bad} of day ${day} is ${slots[bad]}, which is no load` }
    if (slots.length < series.perDay)
      return { reason: `day ${day} is not over: it has ${slots.length} slots of ${series.perDay}` }
    dead.push(isDead(slots))
  }
  return brokenMeter(dead, from)
}

function brokenMeter(dead: readonly boolean[], from: number): NoForecast | undefined {
  const allowed = Math.min(DEAD_DAYS, dead.length * DEAD_SHARE)
  let count = 0
  for (const [i, isNow] of dead.entries()) {
    count += Number(isNow) - Number(dead[i - WITHIN_DAYS] ?? false)
    if (count < allowed) continue
    const within = `on ${count} of the ${Math.min(i + 1, WITHIN_DAYS)} days up to day ${from + i}`
    return { reason: `${within} the meter said 0 for ${DEAD_HOURS} hours or longer: it is broken` }
  }
  return undefined
}

/** -1: each is a load. */
function firstBad(slots: Float64Array): number {
  for (let slot = 0; slot < slots.length; slot++) {
    const kwh = slots[slot] as number
    if (!(kwh >= 0 && kwh < Number.POSITIVE_INFINITY)) return slot
  }
  return -1
}

function isDead(slots: Float64Array): boolean {
  const long = (slots.length * DEAD_HOURS) / 24
  let run = 0
  for (let slot = 0; slot < slots.length && run < long; slot++) run = slots[slot] === 0 ? run + 1 : 0
  return run >= long
}

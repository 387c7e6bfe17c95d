import { isWeekend, type LoadSeries } from './series.ts'

/** What like slots of the past used, ascending, and how much each counts. */
export interface Sample {
  readonly kwh: Float64Array
  readonly weight: Float64Array
  readonly total: number
}

const DAYS_BACK = 42
const DAYS_A_WEEK = 7
const DECAY = 0.95
const SAME_KIND = 2
const SAME_WEEKDAY = 1.3
const BESIDE = 0.4

/** Of each slot of a day: the same and those beside it, on days before that day only. */
export function likeSlots(series: LoadSeries, day: number): Sample[] {
  const { perDay } = series
  const weights = dayWeights(series, day)
  // Each is sorted once and serves three slots.
  const columns = Array.from({ length: perDay + 2 }, (_, i) => columnOf(series, { day, slot: i - 1 }, weights))
  return Array.from({ length: perDay }, (_, slot) => merged(columns.slice(slot, slot + 3) as [Column, Column, Column]))
}

/** The smallest value that this share of the weight does not exceed. */
export function quantile({ kwh, weight, total }: Sample, share: number): number {
  let running = 0
  let i = 0
  while (i < kwh.length - 1) {
    running += weight[i] as number
    if (running >= share * total) break
    i++
  }
  return kwh[i] as number
}

/** As often exceeded as not. */
export function kernelMedian(series: LoadSeries, day: number): number[] {
  return likeSlots(series, day).map(sample => quantile(sample, 0.5))
}

export function kernelMean({ kwh, weight, total }: Sample): number {
  return kwh.reduce((sum, value, i) => sum + value * (weight[i] as number), 0) / total
}

/** By how many days back, less one: the nearer, and the more alike the day, the more. */
function dayWeights(series: LoadSeries, day: number): Float64Array {
  const kind = isWeekend(series, day)
  return Float64Array.from({ length: Math.min(day, DAYS_BACK) }, (_, i) => {
    const back = i + 1
    const alike = isWeekend(series, day - back) === kind ? SAME_KIND : 1
    return DECAY ** back * alike * (back % DAYS_A_WEEK === 0 ? SAME_WEEKDAY : 1)
  })
}

/** One slot on all days before, ascending. Slot −1 is the last of the day before that. */
type Column = Omit<Sample, 'total'>

function columnOf(
  { kwh, perDay }: LoadSeries,
  { day, slot }: { readonly day: number; readonly slot: number },
  weights: Float64Array,
): Column {
  const values = new Float64Array(weights.length)
  const counts = new Float64Array(weights.length)
  let length = 0
  for (let back = 1; back <= weights.length; back++) {
    const place = (day - back) * perDay + slot
    // What follows yesterday's last slot is the day itself.
    if (place < 0 || place >= day * perDay) continue
    const value = kwh[place] as number
    let at = length++
    // Put in its place: there are few.
    for (; at > 0 && (values[at - 1] as number) > value; at--) {
      values[at] = values[at - 1] as number
      counts[at] = counts[at - 1] as number
    }
    values[at] = value
    counts[at] = weights[back - 1] as number
  }
  return { kwh: values.subarray(0, length), weight: counts.subarray(0, length) }
}

/** The slot in full, those beside it by less. */
function merged([before, same, after]: readonly [Column, Column, Column]): Sample {
  const length = before.kwh.length + same.kwh.length + after.kwh.length
  const sample = { kwh: new Float64Array(length), weight: new Float64Array(length), total: 0 }
  let [b, s, a] = [0, 0, 0]
  for (let i = 0; i < length; i++) {
    const [kwhBefore, kwhSame, kwhAfter] = [headOf(before, b), headOf(same, s), headOf(after, a)]
    const least = Math.min(kwhBefore, kwhSame, kwhAfter)
    let counts: number
    if (kwhSame === least) counts = same.weight[s++] as number
    else if (kwhBefore === least) counts = (before.weight[b++] as number) * BESIDE
    else counts = (after.weight[a++] as number) * BESIDE
    sample.kwh[i] = least
    sample.weight[i] = counts
    sample.total += counts
  }
  return sample
}

function headOf({ kwh }: Column, at: number): number {
  return at < kwh.length ? (kwh[at] as number) : Number.POSITIVE_INFINITY
}

import { kernelMedian } from './kernel.ts'
import { fitNextSlot, halfTheLastError, nextSlotBy, persistence, type Track } from './next-slot.ts'
import type { Fit } from './ridge.ts'
import { scoreOf } from './scores.ts'
import type { LoadSeries } from './series.ts'
import { cameIn, daysOf, type Trial } from './trial.ts'

const WEEK = 7

/** WAPE of each way to say the next slot, with what was said a day ahead on the days of the trial. */
export function nextSlotWapes(series: LoadSeries, trial: Trial, dayAhead: readonly number[]): Record<string, number> {
  const track = trackOf(series, trial, dayAhead)
  const ridges = ridgesOn(track, trial)
  const { first, last } = trial
  const slots = Array.from({ length: (last - first + 1) * series.perDay }, (_, i) => first * series.perDay + i)
  const came = cameIn(series, trial)
  const wape = (said: readonly number[]): number => scoreOf(said, came, 1).wape
  return {
    persistence: wape(slots.map(slot => persistence(track, slot))),
    'day-ahead': wape(dayAhead),
    'day-ahead + half the last error': wape(slots.map(slot => halfTheLastError(track, slot))),
    ridge: wape(ridges.plain),
    'robust ridge': wape(ridges.robust),
  }
}

/** Before the trial the kernel alone stands for what would have been said. */
function trackOf(series: LoadSeries, { first, headStart }: Trial, dayAhead: readonly number[]): Track {
  const { kwh, perDay } = series
  const said = new Float64Array(kwh.length).fill(Number.NaN)
  for (let day = first - headStart; day < first; day++) said.set(kernelMedian(series, day), day * perDay)
  said.set(dayAhead, first * perDay)
  return { series, said }
}

/** Fitted every week on all slots so far. */
function ridgesOn(track: Track, trial: Trial): Record<keyof Fit, number[]> {
  const { perDay } = track.series
  const said: Record<keyof Fit, number[]> = { plain: [], robust: [] }
  const from = (trial.first - trial.headStart) * perDay
  let fit: Fit | undefined
  for (const day of daysOf(trial)) {
    const to = day * perDay
    if (fit === undefined || (day - trial.first) % WEEK === 0) fit = fitNextSlot(track, { from, to })
    for (let slot = to; slot < to + perDay; slot++) {
      said.plain.push(nextSlotBy(track, slot, fit.plain))
      said.robust.push(nextSlotBy(track, slot, fit.robust))
    }
  }
  return said
}

import { placesOf, seriesAt } from './readings.ts'
import type { NoForecast } from './refusal.ts'
import type { LoadSeries } from './series.ts'

const HALF_DAY_MS = 43_200_000
const DAY_MS = 2 * HALF_DAY_MS

/**
 * Loads of homes from a CSV file: in the first column when a slot starts, in the others kWh a home, an empty cell where
 * the meter said nothing. The first row begins a day, by whatever clock; it is at most half a day away from that of
 * the column.
 */
export function readHomes(text: string): ReadonlyMap<string, LoadSeries> | NoForecast {
  const [header = '', ...lines] = text.trim().split(/\r?\n/)
  const rows = lines.map(line => line.split(','))
  const stamps = rows.map(([stamp = '']) => Date.parse(/Z$|[+-]\d\d:\d\d$/.test(stamp) ? stamp : `${stamp}Z`))
  const [first = Number.NaN, second = Number.NaN] = stamps
  const wrong = stamps.findIndex(Number.isNaN)
  if (wrong !== -1) return { reason: `row ${wrong + 2} begins with "${rows[wrong]?.[0]}", which is no time` }
  if (!(second > first)) return { reason: 'it has no two rows in order of time' }
  const midnight = Math.floor((first + HALF_DAY_MS) / DAY_MS) * DAY_MS
  const places = placesOf(
    stamps.map(stamp => stamp - first + midnight),
    { slotMs: second - first, timeZone: 'UTC' },
  )
  if ('reason' in places) return places
  const names = header.split(',').slice(1)
  const column = (i: number): (number | undefined)[] => rows.map(row => kwhOf(row[i + 1]))
  return new Map(names.map((name, i) => [name.trim(), seriesAt(places, column(i))]))
}

function kwhOf(cell: string | undefined): number | undefined {
  return cell === undefined || cell.trim() === '' ? undefined : Number(cell)
}

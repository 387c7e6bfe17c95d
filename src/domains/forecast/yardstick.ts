import type { CaseVerdict, Yardstick } from '../../kernel/yardstick.ts'
import { type Evaluation, evaluate } from './evaluation.ts'
import { readHomes } from './homes.ts'
import type { Trial } from './trial.ts'

type Figures = Readonly<Record<string, number>>

/** What a home's forecasts must come to, part by part and method by method. */
interface ExpectedHome {
  readonly dayAhead: Readonly<Record<string, Figures>>
  readonly bands: Readonly<Record<string, Figures>>
  readonly nextSlot: Figures
}

interface ForecastFile {
  readonly set: 'us' | 'ch'
  readonly days: readonly [first: number, last: number]
  readonly perDay: number
  readonly homes: Readonly<Record<string, ExpectedHome>>
}

const SETS: Readonly<Record<ForecastFile['set'], Omit<Trial, 'first' | 'last'> & { readonly data: string }>> = {
  us: { data: 'households_us_load_hourly_kwh.csv', refitDays: 28, headStart: 14 },
  ch: { data: 'households_ch_load_15min_kwh.csv', refitDays: 7, headStart: 7 },
}

/** Of what is determined to the last digit, and of what stands on re-weighted rows, which is not. */
const EXACT = 0.002
const ROBUST = 0.005
const DETERMINED = [
  'dayAhead naive-24h',
  'dayAhead naive-168h',
  'dayAhead mean-7d',
  'dayAhead similar-day',
  'dayAhead median-14d',
  'dayAhead kernel median',
  'dayAhead ridge',
  'nextSlot persistence',
]

export const forecastYardstick: Yardstick = {
  kind: 'forecast',
  fits: isForecastFile,
  *judge(file, dataFile) {
    const { set, days, homes } = file as ForecastFile
    const { data, refitDays, headStart } = SETS[set]
    const loads = readHomes(dataFile(data))
    for (const [home, expected] of Object.entries(homes)) {
      const series = 'reason' in loads ? undefined : loads.get(home)
      if (series === undefined) yield { name: home, differs: `${data} has no such home` }
      else yield* verdicts(home, expected, evaluate(series, { first: days[0], last: days[1], refitDays, headStart }))
    }
  },
}

function isForecastFile(file: unknown): boolean {
  if (typeof file !== 'object' || file === null) return false
  const { set, days, perDay, homes } = file as Partial<ForecastFile>
  return (
    set !== undefined &&
    Object.hasOwn(SETS, set) &&
    Array.isArray(days) &&
    typeof perDay === 'number' &&
    typeof homes === 'object'
  )
}

function* verdicts(home: string, expected: ExpectedHome, got: ReturnType<typeof evaluate>): Iterable<CaseVerdict> {
  if ('reason' in got) return yield { name: home, differs: got.reason }
  const came = figuresOf(got)
  for (const [name, figure] of figuresOf(expected)) yield verdict(home, name, [figure, came.get(name)])
}

function verdict(home: string, name: string, [expected, got]: readonly [number, number | undefined]): CaseVerdict {
  const tolerance = DETERMINED.some(method => name.startsWith(method)) ? EXACT : ROBUST
  const holds = got !== undefined && Math.abs(got - expected) <= tolerance
  return { name: `${home} ${name}`, differs: holds ? undefined : `expected ${expected}, got ${got}` }
}

/** Each by its full name: `dayAhead ridge wape`, `bands plain width`, `nextSlot persistence`. */
function figuresOf({ dayAhead, bands, nextSlot }: ExpectedHome | Evaluation): Map<string, number> {
  const figures = new Map<string, number>()
  for (const [part, methods] of Object.entries({ dayAhead, bands })) {
    for (const [method, scores] of Object.entries(methods)) {
      for (const [score, figure] of Object.entries(scores)) figures.set(`${part} ${method} ${score}`, figure as number)
    }
  }
  for (const [method, wape] of Object.entries(nextSlot)) figures.set(`nextSlot ${method}`, wape)
  return figures
}

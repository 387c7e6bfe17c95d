import { type Evaluation, evaluate } from './evaluation.ts'
import { readHomes } from './homes.ts'
import type { NoForecast } from './refusal.ts'
import type { LoadSeries } from './series.ts'
import { type Trial, trialOf } from './trial.ts'

/** How good forecasts were for the homes of a file. */
export interface ForecastReport {
  readonly homes: ReadonlyMap<string, Evaluation | NoForecast>
  /** Over the homes that were forecast; undefined: none was. */
  readonly mean: Evaluation | undefined
}

export interface ReportOptions {
  /** Undefined: as long as the file makes it. */
  readonly trial?: Trial | undefined
  readonly onHome?: (home: string, got: Evaluation | NoForecast) => void
}

/** Of a CSV text, a column a home, see `readHomes`: every method on every home, day after day as it would have been. */
export function evaluateForecast(text: string, { trial, onHome }: ReportOptions = {}): ForecastReport | NoForecast {
  const loads = readHomes(text)
  if ('reason' in loads) return loads
  const homes = new Map<string, Evaluation | NoForecast>()
  for (const [home, series] of loads) {
    const got = evaluateHome(series, trial ?? trialOf(series))
    homes.set(home, got)
    onHome?.(home, got)
  }
  const evaluations = [...homes.values()].filter(got => 'dayAhead' in got)
  return { homes, mean: evaluations.length === 0 ? undefined : averaged(evaluations) }
}

function evaluateHome(series: LoadSeries, trial: Trial | undefined): Evaluation | NoForecast {
  return trial === undefined ? { reason: 'it is too short to learn from and be judged by' } : evaluate(series, trial)
}

/** Of figures in records of one shape, each by itself. */
function averaged<Figures extends object>(each: readonly Figures[]): Figures {
  const names = Object.keys(each[0] ?? {}) as (keyof Figures)[]
  return Object.fromEntries(
    names.map(name => {
      const values = each.map(figures => figures[name])
      return [name, isNumbers(values) ? meanOf(values) : averaged(values as object[])]
    }),
  ) as Figures
}

function isNumbers(values: readonly unknown[]): values is number[] {
  return values.every(value => typeof value === 'number')
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

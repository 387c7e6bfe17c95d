import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { Actor } from './street.ts'

const LOAD = 'households_us_load_hourly_kwh.csv'
const SOLAR = 'households_us_pv_hourly_kwh.csv'
/** Hourly values are split evenly over quarter-hour slots. */
const SLOTS_AN_HOUR = 4
const CAPACITY_WH = 6_400

/**
 * Gives each household the load and solar of a real home: hourly CSV files in kWh, a column a home, a row an hour, as
 * described in their README. Rows are written as the slots a daemon replays.
 */
export function withRealHomes(actors: readonly Actor[], data: string, scratch: string): Actor[] {
  const [load, solar] = [columns(join(data, LOAD)), columns(join(data, SOLAR))]
  const homes = [...load.keys()].filter(home => solar.has(home))
  if (homes.length === 0) throw unusable(data, `${LOAD} and ${SOLAR} have no home in common`)
  mkdirSync(scratch, { recursive: true })
  let next = 0
  return actors.map(actor => {
    if (!actor.roles.includes('household')) return actor
    const home = homes[next++ % homes.length] as string
    const file = join(scratch, `${home}.csv`)
    writeFileSync(file, slots(load.get(home) ?? [], solar.get(home) ?? []))
    const options = { 'household.dataFile': file, 'household.capacityWh': CAPACITY_WH, 'household.socPercent': 50 }
    const thresholds = { 'household.sellAbovePercent': 60, 'household.buyBelowPercent': 55 }
    return { ...actor, options: { ...actor.options, ...options, ...thresholds } }
  })
}

function columns(file: string): Map<string, number[]> {
  const [header = '', ...rows] = read(file).trim().split(/\r?\n/)
  const names = header.split(',')
  const cells = rows.map(row => row.split(','))
  const homes = names
    .map((name, i) => [name, cells.map(row => Number(row[i] ?? ''))] as const)
    .filter(([name]) => /^h\d+$/.test(name))
  return new Map(homes.map(([name, values]) => [name, values]))
}

function slots(load: readonly number[], solar: readonly number[]): string {
  const wattHours = (kwh: number | undefined): number =>
    Math.round(((Number.isFinite(kwh) ? (kwh as number) : 0) * 1000) / SLOTS_AN_HOUR)
  const lines = load.flatMap((kwh, hour) =>
    Array.from({ length: SLOTS_AN_HOUR }, () => `${wattHours(kwh)},${wattHours(solar[hour])}`),
  )
  return `load_wh,solar_wh\n${lines.join('\n')}\n`
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable(file, messageOf(error))
  }
}

function unusable(path: string, why: string): CodedError {
  return new CodedError('HARNESS_DATA', `cannot use ${path}: ${why}`, {
    hint: `--data names a folder with ${LOAD} and ${SOLAR}, hourly kWh, a column a home (h01, h02, …)`,
  })
}

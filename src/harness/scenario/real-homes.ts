import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import { microOf } from '../../kernel/money.ts'
import { columnsOf } from './columns.ts'
import type { Actor } from './street.ts'

const LOAD = 'households_us_load_hourly_kwh.csv'
const SOLAR = 'households_us_pv_hourly_kwh.csv'
const TARIFF = 'tariff_carbon_hourly_us.csv'
const PRICE = 'import_price_usd_per_kwh'
/** Hourly values are split evenly over quarter-hour slots. */
export const SLOTS_AN_HOUR = 4
const CAPACITY_WH = 6_400

/** What a home used and made in a slot. */
export interface HomeSlot {
  readonly loadWh: number
  readonly solarWh: number
}

/**
 * Gives each household the load and solar of a real home. Rows are written as the slots a daemon replays.
 * @throws HARNESS_DATA
 */
export function withRealHomes(
  actors: readonly Actor[],
  data: string,
  { scratch, slotMs }: { scratch: string; slotMs: number },
): Actor[] {
  const homes = [...realHomes(data)]
  mkdirSync(scratch, { recursive: true })
  let next = 0
  return actors.map(actor => {
    if (!actor.roles.includes('household')) return actor
    const [home, slots] = homes[next++ % homes.length] as (typeof homes)[number]
    const file = join(scratch, `${home}.csv`)
    writeFileSync(file, replayed(inSlotsOf(slotMs, slots)))
    const options = { 'household.dataFile': file, 'household.capacityWh': CAPACITY_WH, 'household.socPercent': 50 }
    const thresholds = { 'household.sellAbovePercent': 60, 'household.buyBelowPercent': 55 }
    return { ...actor, options: { ...actor.options, ...options, ...thresholds } }
  })
}

/**
 * Quarter-hour slots of real homes, by their names, from hourly CSV files in kWh, a column a home, a row an hour, as
 * described in their README.
 * @throws HARNESS_DATA
 */
export function realHomes(data: string): ReadonlyMap<string, readonly HomeSlot[]> {
  const [load, solar] = [columns(join(data, LOAD)), columns(join(data, SOLAR))]
  const homes = [...load].filter(([name]) => /^h\d+$/.test(name) && solar.has(name))
  if (homes.length === 0) throw unusable(data, `${LOAD} and ${SOLAR} have no home in common`)
  return new Map(homes.map(([name, loads]) => [name, slotsOf(loads, solar.get(name) ?? [])]))
}

/**
 * What a kWh from the utility cost, in millionths, hour by hour from the same hour as the homes.
 * @throws HARNESS_DATA
 */
export function realTariff(data: string): readonly number[] {
  const prices = columns(join(data, TARIFF)).get(PRICE)
  if (prices === undefined) throw unusable(join(data, TARIFF), `it has no column ${PRICE}`)
  return prices.map(microOf)
}

function columns(file: string): Map<string, number[]> {
  return columnsOf(read(file))
}

function slotsOf(load: readonly number[], solar: readonly number[]): HomeSlot[] {
  const wattHours = (kwh: number | undefined): number =>
    Math.round(((Number.isFinite(kwh) ? (kwh as number) : 0) * 1000) / SLOTS_AN_HOUR)
  return load.flatMap((kwh, hour) =>
    Array.from({ length: SLOTS_AN_HOUR }, () => ({ loadWh: wattHours(kwh), solarWh: wattHours(solar[hour]) })),
  )
}

const QUARTER_MS = 900_000

/** Quarter-hours as slots of another length: added up, or shared out evenly. */
function inSlotsOf(slotMs: number, quarters: readonly HomeSlot[]): HomeSlot[] {
  const perSlot = Math.max(1, Math.round(slotMs / QUARTER_MS))
  const share = Math.min(1, slotMs / QUARTER_MS)
  const slots: HomeSlot[] = []
  for (let first = 0; first < quarters.length; first += perSlot) {
    const together = quarters.slice(first, first + perSlot)
    const sum = (of: (quarter: HomeSlot) => number): number =>
      Math.round(share * together.reduce((n, q) => n + of(q), 0))
    slots.push({ loadWh: sum(quarter => quarter.loadWh), solarWh: sum(quarter => quarter.solarWh) })
  }
  return slots
}

function replayed(slots: readonly HomeSlot[]): string {
  return `load_wh,solar_wh\n${slots.map(({ loadWh, solarWh }) => `${loadWh},${solarWh}\n`).join('')}`
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

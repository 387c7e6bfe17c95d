import { writeFileSync } from 'node:fs'
import { unitsOf } from '../kernel/money.ts'
import { slotStartMs } from '../kernel/slot.ts'
import type { SurplusData, SurplusRow } from '../reports/surplus-data.ts'
import { type SurplusReport, surplusReport } from './judge/surplus-checks.ts'
import { type SurplusStreet, surplusStreet } from './scenario/surplus-days.ts'
import { surplusSummary } from './view.ts'

export interface SurplusRunOptions {
  /** Folder with the real homes. */
  readonly data: string
  readonly days: number
  readonly json?: string
  readonly html?: string
}

/** Where the homes' year begins, read as if it were UTC: their clock is local. */
const FIRST_MS = Date.UTC(2016, 7, 1)
const DAY_MS = 24 * 60 * 60_000

/**
 * Lets the daemon's own decision, in mode `surplus`, live through days of real homes, prints what came of it, and writes
 * report and page.
 * @throws HARNESS_DATA
 */
export async function runSurplus(
  { data, days, json, html }: SurplusRunOptions,
  stdout: NodeJS.WriteStream,
): Promise<SurplusReport> {
  const street = surplusStreet(data, days)
  const report = surplusReport(street)
  stdout.write(surplusSummary(report))
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
  if (html !== undefined) {
    // The chart library takes half a second to load, which nobody else shall wait for.
    const { surplusPage } = await import('../reports/page/surplus-page.ts')
    writeFileSync(html, surplusPage(pageData(street, report)))
  }
  return report
}

function pageData(street: SurplusStreet, report: SurplusReport): SurplusData {
  const rows = rowsOf(street)
  const { preferences, workWh, latestStartMs, threads } = street
  return {
    title: `Computing on surplus: ${report.homes.length} real homes, ${report.days} days`,
    currency: 'USD',
    slotMs: street.slotMs,
    fromMs: FIRST_MS,
    toMs: FIRST_MS + report.days * DAY_MS,
    rows,
    homes: report.homes,
    verdicts: report.invariants,
    prices: rows.map(({ slotStartMs }, slot) => {
      const { buyMicro, feedInMicro, sellMicro } = street.prices(slot)
      return {
        slotStartMs,
        retailMicro: buyMicro,
        feedInMicro,
        ...(sellMicro === undefined ? {} : { averageMicro: sellMicro }),
      }
    }),
    assumed: [
      `In each home ${workWh} Wh of work come at midnight, for ${threads} threads of ${preferences.taskPowerW} W; from ${latestStartMs / 3_600_000}:00 what is left does not wait for a surplus any more. A kWh of computing is worth ${unitsOf(preferences.worthMicro)}.`,
      'Load, generation and tariff are measured; hourly values are split evenly over quarter-hours. What neighbours and the utility pay for surplus is assumed, for the source of the homes does not say.',
    ],
  }
}

/** Slots of all homes together. */
function rowsOf({ days, slotMs }: SurplusStreet): SurplusRow[] {
  const sums: SurplusRow[] = []
  for (const { day, slots } of days) {
    for (const [place, slot] of slots.entries()) {
      const at = (day * DAY_MS) / slotMs + place
      sums[at] = together(sums[at] ?? { slotStartMs: FIRST_MS + slotStartMs(at, slotMs), ...NOTHING }, slot)
    }
  }
  return sums
}

const NOTHING = { computedWh: 0, uncoveredWh: 0, forcedWh: 0, soldWh: 0 }

function together(row: SurplusRow, slot: typeof NOTHING): SurplusRow {
  return {
    slotStartMs: row.slotStartMs,
    computedWh: row.computedWh + slot.computedWh,
    uncoveredWh: row.uncoveredWh + slot.uncoveredWh,
    forcedWh: row.forcedWh + slot.forcedWh,
    soldWh: row.soldWh + slot.soldWh,
  }
}

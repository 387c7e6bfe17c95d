import { totalsOf } from './figures.ts'
import { pageOf } from './page/page.ts'
import type { ReportData } from './report-data.ts'

/** The same report twice: for programs, and for people as one page that needs no network. */
export interface RenderedReport {
  readonly json: string
  readonly html: string
}

/**
 * Totals that `data` does not give are worked out from the rest. Takes a good 100 ms, and loading this file another
 * 400: a daemon asks `aside.ts`.
 */
export function renderReport(data: ReportData): RenderedReport {
  const totals = { ...totalsOf(data), ...data.totals }
  return { json: `${JSON.stringify({ ...data, totals })}\n`, html: pageOf(data, totals) }
}

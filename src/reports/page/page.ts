import { balancePlot } from '../charts/balance.ts'
import { flowsOf, flowsPlot } from '../charts/flows.ts'
import { pricesPlot } from '../charts/prices.ts'
import { socPlot } from '../charts/soc.ts'
import { tradesPlot } from '../charts/trades.ts'
import { html, type Markup } from '../markup.ts'
import type { ReportData, Totals } from '../report-data.ts'
import { spanOf } from '../slots.ts'
import { counted, dated, namesOf, span as spanInWords } from '../words.ts'
import { framed, section } from './frame.ts'
import { hero } from './hero.ts'
import { flowsTable, tradesTable } from './tables.ts'

/** One page that stands alone: no network, light and dark, a phone and a projector. */
export function pageOf(data: ReportData, totals: Partial<Totals>): string {
  const body = [hero(data, totals), ...sections(data), footer(data)]
  return framed({ title: data.title, subtitle: subtitle(data), body })
}

function subtitle({ fromMs, toMs, peers }: ReportData): string {
  const days = toMs - fromMs
  const whole = Math.max(60_000, Math.round(days / 60_000) * 60_000)
  return `${dated(fromMs)} to ${dated(toMs)} UTC, ${spanInWords(whole)}, ${counted(peers.length, 'peer')}`
}

function sections(data: ReportData): Markup[] {
  const { trades, balance, prices, soc, currency } = data
  const span = spanOf(data)
  const nameOf = namesOf(data.peers)
  const flows = flowsOf(trades)
  return [
    section({
      title: 'Where the energy came from, and where it went',
      said: 'Above the line what came in, below it what went out.',
      plot: balancePlot(balance, span),
      none: 'Nobody has said yet what was used and produced.',
    }),
    section({
      title: 'How full the batteries were',
      said: 'The state of charge of each battery, as its household reports it.',
      plot: socPlot(soc, { span, nameOf }),
      none: 'No household has told its state of charge yet.',
    }),
    section({
      title: 'Who sold to whom',
      said: 'Sellers on the left, buyers on the right; a band is as thick as the energy in it.',
      plot: flowsPlot(flows, nameOf),
      none: 'No energy has changed hands yet.',
      more: flows.length === 0 ? undefined : flowsTable(flows, nameOf),
    }),
    section({
      title: 'What a kilowatt-hour cost',
      said: `In ${currency}, fees included: what was offered, what was paid, and the utility’s tariff.`,
      plot: pricesPlot(prices, { span, currency }),
      none: 'No price has been named yet.',
    }),
    section({
      title: 'How much was traded',
      said: 'Energy of the trades in force or settled, by the slot it flows in.',
      plot: tradesPlot(trades, span),
      none: 'No trade has been agreed yet.',
      more: trades.length === 0 ? undefined : tradesTable(trades, { nameOf, currency }),
    }),
  ]
}

function footer({ writtenMs }: ReportData): Markup {
  return html`<footer>
<p>Local share: energy bought from neighbours, of all energy bought. Met without the utility: 1 − energy from the utility ÷ energy used. Saved: 1 − what was paid ÷ what the same energy would have cost at the baseline named above. Metered energy counts where it is known, else as agreed; trades that came to nothing count for nothing.</p>
<p>Written ${dated(writtenMs)} UTC by wattmesh. All times are market time.</p>
</footer>`
}

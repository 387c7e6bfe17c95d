import type { Transfer } from '../charts/flows.ts'
import { isBinding } from '../figures.ts'
import { html, type Markup } from '../markup.ts'
import type { ReportTrade } from '../report-data.ts'
import { counted, energy, price, stamp } from '../words.ts'

/** Rows that anybody would read; the JSON beside the page has them all. */
const MOST_ROWS = 200

type NameOf = (peer: string) => string

/** Every trade, those that came to nothing too, newest first. */
export function tradesTable(
  trades: readonly ReportTrade[],
  { nameOf, currency }: { nameOf: NameOf; currency: string },
): Markup {
  // Stable, so that of one slot the later one stands first, too.
  const newest = trades.toReversed().toSorted((a, b) => b.slotStartMs - a.slotStartMs)
  const shown = newest.slice(0, MOST_ROWS)
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Trades"><table>
<caption>${captionOf(shown.length, trades.length)}</caption>
<thead><tr><th scope="col">slot (UTC)</th><th scope="col">seller</th><th scope="col">buyer</th><th scope="col" class="right">agreed</th><th scope="col" class="right">metered</th><th scope="col" class="right">${currency} a kWh</th><th scope="col">state</th></tr></thead>
<tbody>${shown.map(trade => tradeRow(trade, nameOf))}</tbody>
</table></div>`
}

function captionOf(shown: number, all: number): string {
  if (shown === all) return `${counted(all, 'trade')}, newest first.`
  return `The newest ${shown} of ${counted(all, 'trade')}; report.json has them all.`
}

function tradeRow(trade: ReportTrade, nameOf: NameOf): Markup {
  const { slotStartMs, seller, buyer, energyWh, settledWh, priceMicro, state } = trade
  return html`<tr class="${isBinding(trade) ? 'good' : 'void'}"><td>${stamp(slotStartMs)}</td><td>${nameOf(seller)}</td><td>${nameOf(buyer)}</td><td class="right">${energy(energyWh)}</td><td class="right">${settledWh === undefined ? '–' : energy(settledWh)}</td><td class="right">${priceMicro === undefined ? '–' : price(priceMicro)}</td><td class="state">${state}</td></tr>`
}

/** The bands of the drawing for those who cannot see it, or want the figures. */
export function flowsTable(flows: readonly Transfer[], nameOf: NameOf): Markup {
  const shown = flows.slice(0, MOST_ROWS)
  const rows = shown.map(
    ({ seller, buyer, energyWh }) =>
      html`<tr><td>${nameOf(seller)}</td><td>${nameOf(buyer)}</td><td class="right">${energy(energyWh)}</td></tr>`,
  )
  return html`<details><summary>The same as a table</summary><div class="scroll" tabindex="0" role="region" aria-label="Energy by pair"><table>
<caption>${counted(flows.length, 'pair')}, the most energy first${shown.length < flows.length ? `; the first ${shown.length} are shown` : ''}.</caption>
<thead><tr><th scope="col">seller</th><th scope="col">buyer</th><th scope="col" class="right">energy</th></tr></thead>
<tbody>${rows}</tbody></table></div></details>`
}

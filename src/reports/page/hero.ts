import { isBinding } from '../figures.ts'
import { html, type Markup } from '../markup.ts'
import type { ReportData, Totals } from '../report-data.ts'
import { counted, energy, money, percent } from '../words.ts'

/** What it came to, large enough for the back row. */
export function hero(data: ReportData, totals: Partial<Totals>): Markup {
  return html`<div class="hero">${share(totals.localShare)}${bill(totals, data.currency)}</div>
<dl>${facts(data, totals).map(([title, said]) => html`<div><dt>${title}</dt><dd>${said}</dd></div>`)}</dl>`
}

function share(localShare: number | undefined): Markup {
  const title = html`<h2>Bought next door</h2>`
  if (localShare === undefined) {
    return html`<section>${title}<p class="empty">No energy has been bought yet.</p></section>`
  }
  const said = percent(localShare)
  return html`<section class="share">
<svg viewBox="0 0 100 100" role="img" aria-label="A ring, ${said} of it filled.">
<circle cx="50" cy="50" r="42" fill="none" stroke="var(--faint)" stroke-width="12"/>
<circle cx="50" cy="50" r="42" fill="none" stroke="var(--neighbours)" stroke-width="12" pathLength="100" stroke-dasharray="${(localShare * 100).toFixed(2)} 100" transform="rotate(-90 50 50)"/>
</svg>
<div>${title}<p class="big">${figure(said)}</p><p class="quiet">of the energy taken came from neighbours; the rest from the utility or out of batteries.</p></div>
</section>`
}

function bill({ billMicro, baselineMicro, saving, baseline }: Partial<Totals>, currency: string): Markup {
  if (billMicro === undefined || baselineMicro === undefined || saving === undefined) {
    return html`<section><h2>The bill</h2><p class="empty">Nothing has been paid for yet, or the utility’s tariff is not known here.</p></section>`
  }
  const most = Math.max(billMicro, baselineMicro, 1)
  const bar = (title: string, micro: number, colour: string) =>
    html`<div><span><span>${title}</span><b>${money(micro, currency)}</b></span><div class="bar"><i style="width:${((micro / most) * 100).toFixed(2)}%;--of:${colour}"></i></div></div>`
  return html`<section>
<h2>${saving >= 0 ? 'Saved on the bill' : 'Added to the bill'}</h2>
<p class="big">${figure(percent(Math.abs(saving)))}</p>
<p class="quiet">${saving >= 0 ? 'less' : 'more'} than ${baseline ?? 'the baseline'}.</p>
<div class="bars">${bar('paid', billMicro, 'var(--neighbours)')}${bar('utility only', baselineMicro, 'var(--utility)')}</div>
</section>`
}

function facts({ trades, peers }: ReportData, totals: Partial<Totals>): [string, string][] {
  const binding = trades.filter(isBinding).length
  const traders = peers.filter(({ role }) => role !== 'compute').length
  return [
    ['traded', energy(totals.tradedWh ?? 0)],
    ['in force or settled', counted(binding, 'trade')],
    ['of demand met without the utility', totals.selfSufficiency === undefined ? '–' : percent(totals.selfSufficiency)],
    ['households and utilities', counted(traders, 'peer')],
  ]
}

/** The unit smaller than the figure. */
function figure(said: string): Markup {
  const [value = '', unit = ''] = said.split(' ')
  return html`${value}<small> ${unit}</small>`
}

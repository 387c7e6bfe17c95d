import { pricesPlot } from '../charts/prices.ts'
import { computingPlot, surplusPlot } from '../charts/surplus.ts'
import { html, type Markup } from '../markup.ts'
import type { SurplusData, SurplusHome } from '../surplus-data.ts'
import { counted, dated, energy, money, span as spanInWords } from '../words.ts'
import { framed, section } from './frame.ts'

/** One page that stands alone, about when computing ran and what it brought. */
export function surplusPage(data: SurplusData): string {
  const { title, fromMs, toMs, homes } = data
  return framed({
    title,
    subtitle: `${dated(fromMs)} to ${dated(toMs)}, local time, ${spanInWords(toMs - fromMs)}, ${counted(homes.length, 'home')}`,
    body: [verdicts(data), ...sections(data), footer(data)],
  })
}

function verdicts({ verdicts: all }: SurplusData): Markup {
  const rows = all.map(
    ({ name, holds, detail }) => html`<tr><td>${holds ? '✔' : '✘'}</td><td>${name}</td><td>${detail}</td></tr>`,
  )
  return html`<section><h2>What must hold</h2><div class="scroll"><table>
<thead><tr><th scope="col"></th><th scope="col">that</th><th scope="col">found</th></tr></thead>
<tbody>${rows}</tbody></table></div></section>`
}

function sections(data: SurplusData): Markup[] {
  const { rows, prices, currency, fromMs, toMs, slotMs } = data
  const span = { fromMs, toMs, slotMs }
  return [
    section({
      title: 'When computing ran',
      said: 'Of all homes together: on their own surplus, until it stopped after a surplus, and by force.',
      plot: rows.length === 0 ? undefined : computingPlot(rows, span),
      none: 'There was no time in which it could have run.',
    }),
    section({
      title: 'What became of the surplus',
      said: 'What was not computed was sold to whoever paid most.',
      plot: rows.length === 0 ? undefined : surplusPlot(rows, span),
      none: 'There was no surplus.',
    }),
    section({
      title: 'What a kilowatt-hour was worth',
      said: `In ${currency}: the utility’s tariff, what neighbours paid for surplus, and the feed-in.`,
      plot: pricesPlot(prices, { span, currency }),
      none: 'No price was named.',
    }),
    html`<section><h2>Home by home</h2><p class="quiet">Earned: by computing and selling, less what was bought until a stop. Forced work is paid by who wanted it, and is in neither figure.</p>${homesTable(data)}</section>`,
  ]
}

function homesTable({ homes, currency }: SurplusData): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Homes"><table>
<caption>${counted(homes.length, 'home')}; money in ${currency}.</caption>
<thead><tr><th scope="col">home</th>${[
    'surplus',
    'computed on it',
    'until stops',
    'forced',
    'earned',
    'by export alone',
    'more',
  ].map(title => html`<th scope="col" class="right">${title}</th>`)}</tr></thead>
<tbody>${homes.map(home => row(home, currency))}</tbody></table></div>`
}

function row(one: SurplusHome, currency: string): Markup {
  const { home, surplusWh, computedWh, uncoveredWh, forcedWh, earnedMicro, exportOnlyMicro } = one
  const cells = [
    ...[surplusWh, computedWh, uncoveredWh, forcedWh].map(energy),
    ...[earnedMicro, exportOnlyMicro, earnedMicro - exportOnlyMicro].map(micro => money(micro, currency)),
  ]
  return html`<tr><td>${home}</td>${cells.map(cell => html`<td class="right">${cell}</td>`)}</tr>`
}

function footer({ assumed }: SurplusData): Markup {
  return html`<footer>${assumed.map(sentence => html`<p>${sentence}</p>`)}</footer>`
}

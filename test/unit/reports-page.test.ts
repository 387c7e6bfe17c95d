import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { renderAside } from '../../src/reports/aside.ts'
import { fromBatteriesWh } from '../../src/reports/charts/balance.ts'
import { spread } from '../../src/reports/charts/end-labels.ts'
import { html } from '../../src/reports/markup.ts'
import { renderReport } from '../../src/reports/report.ts'
import type { ReportData, ReportTrade } from '../../src/reports/report-data.ts'
import { barMs, bars, spanOf } from '../../src/reports/slots.ts'
import { namesOf } from '../../src/reports/words.ts'

const SLOT_MS = 900_000
const START_MS = Date.UTC(2026, 5, 1)

const NOTHING: ReportData = {
  title: 'Report of house-01',
  writtenMs: START_MS,
  fromMs: START_MS,
  toMs: START_MS + SLOT_MS,
  currency: 'EUR',
  peers: [],
  soc: [],
  trades: [],
  balance: [],
  prices: [],
  totals: {},
}

function tradeAt(slot: number, more: Partial<ReportTrade> = {}): ReportTrade {
  return {
    slotStartMs: START_MS + slot * SLOT_MS,
    durationMs: SLOT_MS,
    buyer: 'buyer-id',
    seller: 'seller-id',
    energyWh: 500,
    priceMicro: 150_000,
    fromUtility: false,
    state: 'settled',
    ...more,
  }
}

/** Everything a report can show, `slots` long. */
function street(slots: number, sellerName = 'Nadia'): ReportData {
  const starts = Array.from({ length: slots }, (_, slot) => START_MS + slot * SLOT_MS)
  return {
    ...NOTHING,
    toMs: START_MS + slots * SLOT_MS,
    peers: [
      { id: 'seller-id', name: sellerName, role: 'household' },
      { id: 'buyer-id', name: 'Omar', role: 'household' },
    ],
    soc: ['seller-id', 'buyer-id'].map((peer, i) => ({
      peer,
      points: starts.map((atMs, slot) => ({ atMs, socWh: 5000 + slot, percent: 50 + i * 20 })),
    })),
    trades: starts.map((_, slot) => tradeAt(slot, { fromUtility: slot % 3 === 0 })),
    balance: starts.map(slotStartMs => ({
      slotStartMs,
      loadWh: 500,
      solarWh: 200,
      boughtWh: 200,
      soldWh: 200,
      importedWh: 100,
      exportedWh: 0,
    })),
    prices: starts.map(slotStartMs => ({ slotStartMs, retailMicro: 250_000, cheapestMicro: 150_000 })),
  }
}

/** The page without its script. */
function shownOf(data: ReportData): string {
  return renderReport(data).html.replace(/<script>[\s\S]*?<\/script>/, '')
}

test('what a peer calls itself cannot become part of the page', () => {
  const page = renderReport(street(8, '<script>alert(1)</script>')).html
  expect(page).not.toContain('<script>alert')
  expect(page).toContain('&lt;script&gt;')
  const ending = renderReport(street(8, '</script><b>')).html
  expect(ending).not.toContain('</script><b>')
})

test('a title and a state of a stranger are escaped, too', () => {
  const evil = '"><img src=x onerror=alert(1)>'
  const page = renderReport({ ...NOTHING, title: evil, trades: [tradeAt(0, { state: evil })] }).html
  expect(page).not.toContain('<img')
})

test('a browser is told to run no script but the one the page was written with', () => {
  const page = renderReport(street(8)).html
  const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = '']) => script)
  expect(scripts).toHaveLength(1)
  const digest = createHash('sha256')
    .update(scripts[0] ?? '')
    .digest('base64')
  expect(page).toContain(`script-src &#39;sha256-${digest}&#39;`)
  expect(page).toContain('default-src &#39;none&#39;')
})

test('the page fetches nothing', () => {
  const page = renderReport(street(96)).html
  expect(page).not.toMatch(/(?:src|href)="|url\((?!#)|@import|https?:\/\//)
})

test('the page has every chart for wide and narrow screens, and words for those who cannot see it', () => {
  const page = renderReport(street(96)).html
  expect(page.match(/<svg[^>]*viewBox="0 0 1000 340"/g)).toHaveLength(5)
  expect(page.match(/<svg[^>]*viewBox="0 0 400 300"/g)).toHaveLength(5)
  expect(page.match(/class="plot[^>]*role="img"[^>]*aria-label="[^"]{20,}/g)).toHaveLength(5)
  expect(page).toContain('<html lang="en">')
  expect(page.match(/<table>\s*<caption>/g)).toHaveLength(2)
})

test('one drawing serves light and dark: its colours are variables of the page', () => {
  const page = renderReport(street(24)).html
  const used = new Set([...page.matchAll(/var\((--[a-z0-9-]+)\)/g)].map(([, name]) => name))
  const light = page.slice(page.indexOf(':root {'), page.indexOf('@media'))
  for (const name of used) if (name !== '--of') expect(light).toContain(`${name}:`)
  expect(page).toContain('prefers-color-scheme: dark')
  // What cuts a line off at the edge of its plot has a colour, but is not seen.
  expect(page.replace(/<clipPath[\s\S]*?<\/clipPath>/g, '')).not.toMatch(/(?:fill|stroke)="(?:#|rgb)/)
})

test('where nothing is known yet, each part says so and draws no empty chart', () => {
  const page = shownOf(NOTHING)
  expect(page.match(/class="empty"/g)).toHaveLength(7)
  expect(page).not.toContain('<svg')
  expect(page).not.toMatch(/NaN|undefined|Infinity/)
})

test('a report of a single trade is drawn', () => {
  const page = shownOf({ ...NOTHING, trades: [tradeAt(1)] })
  expect(page).not.toMatch(/NaN|undefined|Infinity/)
  expect(page).toContain('Bands from 1 seller to 1 buyer; most, 500 Wh, went from …eller-id to …buyer-id.')
})

test('the table ends after 200 trades, the newest first, and says how many there are', () => {
  const page = renderReport(street(300)).html
  expect(page).toContain('The newest 200 of 300 trades')
  expect(page.match(/<tr class="good">/g)).toHaveLength(200)
  expect(page.indexOf('4 Jun, 02:45')).toBeGreaterThan(0)
  expect(page).not.toContain('<td>1 Jun, 00:00</td>')
})

test('fifty batteries over a month stay one page of less than 1.5 MB', () => {
  const data = street(2880)
  const soc = Array.from({ length: 50 }, (_, i) => ({ peer: `peer-${i}`, points: data.soc[0]?.points ?? [] }))
  const page = renderReport({ ...data, soc }).html
  expect(page.length).toBeLessThan(1_500_000)
  expect(page).toContain('each of 50 batteries')
})

test('the JSON has what was given and the totals that follow from it; what was given goes before', () => {
  const { trades, totals } = JSON.parse(renderReport(street(3)).json) as ReportData
  expect(trades).toHaveLength(3)
  expect(totals).toMatchObject({ tradedWh: 1500, billMicro: 225_000, baselineMicro: 375_000 })
  const given = renderReport({ ...street(3), totals: { saving: 0.123, baseline: 'no battery, no trading' } })
  expect(given.html).toContain('12.3<small> %</small>')
  expect(given.html).toContain('less than no battery, no trading.')
})

test('rendered aside it is the same report, and an interruption ends it', async () => {
  const aside = await renderAside(NOTHING)
  expect(aside.json).toBe(renderReport(NOTHING).json)
  // Its script is the text of a function, which vitest writes in its own way.
  expect(aside.html.split('<main>')[1]?.split('<script>')[0]).toBe(
    shownOf(NOTHING).split('<main>')[1]?.split('\n</body>')[0],
  )
  await expect(renderAside(street(96), { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
})

test('a template escapes text and attributes, and lets only markup through', () => {
  expect(html`<p title="${'"x"'}">${'<&>'} ${html`<b>${"it's"}</b>`} ${[1, 'a<']} ${undefined}</p>`.markup).toBe(
    '<p title="&quot;x&quot;">&lt;&amp;&gt; <b>it&#39;s</b> 1a&lt; </p>',
  )
})

test('names are one line, without characters that turn the text around, and not endless', () => {
  const nameOf = namesOf([
    { id: 'a', name: 'x\n\u202Ey', role: 'household' },
    { id: 'b', name: 'n'.repeat(99), role: 'household' },
    { id: '12D3KooWabcdefgh', name: '  ', role: 'household' },
  ])
  expect([nameOf('a'), nameOf('b').length, nameOf('12D3KooWabcdefgh')]).toEqual(['x y', 24, '…abcdefgh'])
})

test('slots go together into bars until there are few enough; nothing is lost', () => {
  const span = { fromMs: 0, toMs: 192 * SLOT_MS, slotMs: SLOT_MS }
  expect([200, 100, 50, 2].map(most => barMs(span, most) / SLOT_MS)).toEqual([1, 2, 4, 96])
  const rows = Array.from({ length: 192 }, (_, slot) => ({ slotStartMs: slot * SLOT_MS, wh: slot }))
  const summed = bars(rows, 4 * SLOT_MS, ({ wh }) => [wh])
  expect(summed).toHaveLength(48)
  expect(summed.reduce((sum, { values: [wh = 0] }) => sum + wh, 0)).toBe((191 * 192) / 2)
})

test('trades of the slot ahead widen the time that is shown', () => {
  expect(spanOf({ ...NOTHING, trades: [tradeAt(4)] })).toEqual({
    fromMs: START_MS,
    toMs: START_MS + 5 * SLOT_MS,
    slotMs: SLOT_MS,
  })
})

test('batteries give what the other sources lack and take what they leave over', () => {
  const nothing = { loadWh: 0, solarWh: 0, boughtWh: 0, soldWh: 0, importedWh: 0, exportedWh: 0 }
  expect(fromBatteriesWh({ ...nothing, loadWh: 500, solarWh: 200, boughtWh: 100 })).toBe(200)
  expect(fromBatteriesWh({ ...nothing, loadWh: 100, solarWh: 400, soldWh: 50 })).toBe(-250)
})

test('names at the ends of lines keep their order and do not lie on one another', () => {
  const given = spread([100, 100, 101, 10], { gap: 17, from: 0, to: 120 })
  const sorted = given.toSorted((a, b) => a - b)
  expect(sorted.slice(1).every((height, i) => height - (sorted[i] ?? 0) >= 17)).toBe(true)
  expect(Math.max(...given)).toBeLessThanOrEqual(120)
  expect(given[3]).toBe(10)
})

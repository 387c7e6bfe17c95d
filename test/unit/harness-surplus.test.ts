import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import type { SurplusSlot } from '../../src/domains/manners/surplus-plan.ts'
import { surplusReport, unfounded } from '../../src/harness/judge/surplus-checks.ts'
import type { SurplusStreet } from '../../src/harness/scenario/surplus-days.ts'
import { runSurplus } from '../../src/harness/surplus.ts'

const preferences = {
  ...loadConfig('/nowhere', {}).options.manners,
  mode: 'surplus' as const,
  taskPowerW: 30,
  deficitSeconds: 60,
}

function slot(more: Partial<SurplusSlot>): SurplusSlot {
  return {
    surplusW: 0,
    computedWh: 0,
    uncoveredWh: 0,
    forcedWh: 0,
    soldWh: 0,
    earnedMicro: 0,
    exportOnlyMicro: 0,
    sentence: '',
    ...more,
  }
}

const street = (slots: readonly SurplusSlot[], workWh = 0): SurplusStreet => ({
  homes: ['h01'],
  days: [{ home: 'h01', day: 0, slots }],
  preferences,
  slotMs: 900_000,
  workWh,
  latestStartMs: 0,
  threads: 1,
  prices: () => ({ feedInMicro: 80_000, buyMicro: 250_000 }),
})
const broken = (slots: readonly SurplusSlot[], workWh = 0): string[] =>
  surplusReport(street(slots, workWh))
    .invariants.filter(({ holds }) => !holds)
    .map(({ name }) => name)

describe('the verdict on computing on surplus', () => {
  const sunny = slot({ surplusW: 500, computedWh: 7.5 })

  test('knows work that started without a surplus', () => {
    expect(unfounded([slot({ surplusW: 10, computedWh: 1 })], { preferences })).toBe(1)
    expect(broken([sunny, slot({}), slot({ surplusW: -50, computedWh: 1 })])).toEqual([
      'no task ran without surplus but forced ones, and for the 60 s of a stop',
    ])
  })

  test('allows the minute of a stop after a surplus, and no more', () => {
    const stop = (wh: number) => slot({ surplusW: -200, computedWh: wh, uncoveredWh: wh })
    expect(unfounded([sunny, stop(0.5)], { preferences })).toBe(0)
    expect(unfounded([sunny, stop(0.6)], { preferences })).toBe(1)
  })

  test('does not count what was forced', () => {
    expect(broken([sunny, slot({ surplusW: -50, forcedWh: 7 })])).toEqual([])
  })

  test('finds a home that would have done better by export alone', () => {
    expect(broken([{ ...sunny, earnedMicro: 99, exportOnlyMicro: 100 }])).toEqual([
      'no household earned less than by export alone',
    ])
  })

  test('is not content with a run in which nothing was computed, or work was left', () => {
    expect(broken([slot({ surplusW: 500 })])).toEqual(['work ran on surplus at all'])
    expect(broken([sunny], 8)).toEqual(['all work was done by midnight'])
  })
})

const data = fileURLToPath(new URL('../../../shared/data/energy', import.meta.url))

describe.skipIf(!existsSync(data))('real homes (skipped where shared/data is absent)', () => {
  test('compute on their own sun, none is poorer for it, and the page has the plots', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wattmesh-surplus-'))
    try {
      const [html, json] = [join(folder, 'page.html'), join(folder, 'report.json')]
      const screen = new PassThrough() as unknown as NodeJS.WriteStream
      const { invariants, homes, totals } = await runSurplus({ data, days: 2, html, json }, screen)
      expect(invariants.filter(({ holds }) => !holds)).toEqual([])
      expect(homes).toHaveLength(17)
      expect(totals.computedWh).toBeGreaterThan(100)
      // A home whose panels give nothing has its work done by force.
      expect(homes.find(({ home }) => home === 'h15')?.forcedWh).toBeGreaterThan(0)
      const page = readFileSync(html, 'utf8')
      expect(page.match(/<svg/g)?.length).toBe(6)
      for (const { home } of homes) expect(page).toContain(`<td>${home}</td>`)
      expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ scenario: 'surplus', days: 2 })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { forecastYardstick } from '../../src/domains/forecast/offline.ts'

/** Vectors, and the real loads they are about, where they are at hand: nothing of them is copied here. */
const FOLDER = fileURLToPath(new URL('../../../shared/data/', import.meta.url))
const ABSENT = !existsSync(join(FOLDER, 'yardsticks'))
const REASON = ABSENT ? ' (skipped: the vectors are not at hand)' : ''
/** All of them take a quarter of a minute. */
const HOMES = 2

describe.skipIf(ABSENT)(`forecasts of real homes come to the figures of the vectors${REASON}`, () => {
  test.each([
    ['forecast-us.json', 38],
    ['forecast-ch.json', 38],
  ])('%s', (name, figures) => {
    const file = JSON.parse(readFileSync(join(FOLDER, 'yardsticks', name), 'utf8')) as { homes: object }
    expect(forecastYardstick.fits(file)).toBe(true)
    const some = { ...file, homes: Object.fromEntries(Object.entries(file.homes).slice(0, HOMES)) }
    const verdicts = [...forecastYardstick.judge(some, data => readFileSync(join(FOLDER, 'energy', data), 'utf8'))]
    expect(verdicts.filter(({ differs }) => differs !== undefined)).toEqual([])
    expect(verdicts).toHaveLength(HOMES * figures)
  })
})

describe('the yardstick of forecasts', () => {
  test('knows its files', () => {
    for (const other of [undefined, null, 7, [], {}, { set: 'mars', days: [1, 2], perDay: 24, homes: {} }]) {
      expect(forecastYardstick.fits(other)).toBe(false)
    }
  })

  test('says what differs', () => {
    const file = { set: 'us', days: [1, 2], perDay: 24, homes: { h01: {}, h99: {} } }
    const rows = Array.from({ length: 72 }, (_, i) => `${new Date(i * 3_600_000).toISOString()},0`)
    expect([...forecastYardstick.judge(file, () => ['start,h01', ...rows].join('\n'))]).toEqual([
      { name: 'h01', differs: expect.stringContaining('it is broken') },
      { name: 'h99', differs: 'households_us_load_hourly_kwh.csv has no such home' },
    ])
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { countRound, roundOutcome, type SocRow } from '../../src/domains/agents/soc/round.ts'
import { readSocSeries, socSeries } from '../../src/domains/agents/soc/series.ts'
import { socView } from '../../src/domains/agents/soc/view.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { SLOT, socMemory } from '../support/soc-memory.ts'

const [anna, bert, cleo] = ['anna', 'bert', 'cleo'] as PeerId[] as [PeerId, PeerId, PeerId]

test('every whole Wh of every slot comes back from its series', () => {
  const slot = fc.record({
    startMs: fc.integer({ min: 0, max: 4_000_000_000 }).map(seconds => seconds * 1_000),
    durationMs: fc.integer({ min: 1, max: 100_000 }).map(seconds => seconds * 1_000),
  })
  fc.assert(
    fc.property(slot, fc.integer({ min: 0, max: 1_000_000_000 }), (at, socWh) => {
      expect(readSocSeries(JSON.parse(JSON.stringify(socSeries({ socWh, slot: at }))))).toEqual({ socWh, slot: at })
    }),
  )
})

test('a series in another unit, of another kind, or with impossible numbers is none', () => {
  const text = JSON.stringify(socSeries({ socWh: 4_000, slot: SLOT }))
  const read = (from: string, to: string) => readSocSeries(JSON.parse(text.replaceAll(from, to)))
  expect(read('', '')).toEqual({ socWh: 4_000, slot: SLOT })
  expect(read('KWH', 'PERCENT')).toBeUndefined()
  expect(read('SOC_END', 'USAGE')).toBeUndefined()
  expect(read('"values":[4]', '"values":[-4]')).toBeUndefined()
  expect(read('"values":[4]', '"values":["4"]')).toBeUndefined()
  expect(read('"values":[4]', '"values":[1e300]')).toBeUndefined()
  expect(read('"values":[4]', '"values":[4.00049]')).toBeUndefined()
  expect(read('PT15M', 'PT0S')).toBeUndefined()
  expect(read('PT15M', `PT${'9'.repeat(30)}H`)).toBeUndefined()
  expect(read('2026-06', '2126-06')).toBeUndefined()
  expect(read('"id":0', '"id":1')).toBeUndefined()
})

test('what a round leaves: readings, new refusals once, consent given again, and its counts', () => {
  const store = socMemory()
  const at = { atMs: 10 }
  const no = { outcome: 'refused', reason: 'no consent', cardHash: 'c1' } as const
  const first: SocRow[] = [
    { peer: anna, ...at, outcome: 'answered', socWh: 5_000, slot: SLOT },
    { peer: bert, ...at, ...no, asked: true },
    { peer: cleo, ...at, outcome: 'silent', reason: 'no answer' },
  ]
  const round = countRound(first, 0, 10)
  expect(round).toMatchObject({ asked: 3, answered: 1, refused: 1, silent: 1, tookMs: 10 })
  store.keep(roundOutcome(round, store).facts)
  expect(store.refusal(bert)).toEqual({ peer: bert, atMs: 10, cardHash: 'c1', reason: 'no consent' })
  expect(store.rounds()[0]).toMatchObject({ asked: 3, silentPeers: [cleo] })

  const second = countRound([{ peer: bert, ...at, ...no, asked: false }], 0, 10)
  expect(second).toMatchObject({ asked: 0, refused: 1 })
  expect(roundOutcome(second, store).facts.map(({ kind }) => kind)).toEqual(['agents.soc.round'])

  const third = countRound([{ peer: bert, ...at, outcome: 'answered', socWh: 1, slot: SLOT }], 0, 10)
  expect(roundOutcome(third, store).facts.map(({ kind }) => kind)).toEqual([
    'agents.soc',
    'agents.soc.consent',
    'agents.soc.round',
  ])
})

test('the view tells of each household what is known: latest, age, trend, how often it answered, why not', () => {
  const reading = (peer: PeerId, slots: number, socWh: number) => {
    const slot = { ...SLOT, startMs: SLOT.startMs + slots * SLOT.durationMs }
    return { peer, socWh, slot, atMs: 1_000 * (slots + 1) }
  }
  const counts = { startedMs: 0, tookMs: 1, asked: 2, answered: 1, refused: 0, silent: 1 }
  const rows = socView(
    {
      // Out of order, as a store may give them.
      readings: [reading(anna, 4, 6_000), reading(anna, 0, 5_000), reading(bert, 0, 900)],
      rounds: [
        { ...counts, silentPeers: [bert] },
        { ...counts, silentPeers: [bert, anna] },
      ],
      refusals: [{ peer: cleo, atMs: 0, cardHash: 'c', reason: 'no consent' }],
    },
    10_000,
  )
  expect(rows).toEqual([
    { household: anna, socWh: 6_000, ageMs: 5_000, trendWhPerHour: 1_000, answeredShare: 2 / 3 },
    { household: bert, socWh: 900, ageMs: 9_000, answeredShare: 1 / 3 },
    { household: cleo, refusal: 'no consent' },
  ])
})

const SCHEMAS = fileURLToPath(new URL('../../../shared/data/beckn/energy-schemas/', import.meta.url))

describe.skipIf(!existsSync(SCHEMAS))('against the official schemas (skipped where their files are absent)', () => {
  test('the series is a BecknTimeSeries', () => {
    const require = createRequire(import.meta.url)
    type Check = ((value: unknown) => boolean) & { errors?: unknown }
    interface Ajv {
      addSchema(schema: object): void
      getSchema(id: string): Check | undefined
    }
    const Ajv2020 = (require('ajv/dist/2020.js') as { default: new (options: object) => Ajv }).default
    const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
    ;(require('ajv-formats') as { default: (ajv: Ajv) => void }).default(ajv)
    const load = (folder: string, id: string) => {
      const { components } = parse(readFileSync(join(SCHEMAS, folder, 'attributes.yaml'), 'utf8')) as Record<
        string,
        object
      >
      const text = JSON.stringify({ components }).replaceAll('"$ref":"#/', `"$ref":"${id}#/`)
      ajv.addSchema({ $id: id, ...(JSON.parse(text) as object) })
    }
    load('openadr/v3.1.0', 'https://schema.nfh.global/openadr/v3.1.0')
    load('BecknTimeSeries/v1.0', 'https://schema.nfh.global/BecknTimeSeries/v1.0')
    const check = ajv.getSchema('https://schema.nfh.global/BecknTimeSeries/v1.0#/components/schemas/BecknTimeSeries')
    expect(check?.(socSeries({ socWh: 4_321, slot: SLOT })), JSON.stringify(check?.errors)).toBe(true)
    expect(check?.({ ...socSeries({ socWh: 4_321, slot: SLOT }), intervals: [] })).toBe(false)
  })
})

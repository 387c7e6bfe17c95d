import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runIn } from '../support/fake-daemon.ts'
import { scratch } from '../support/storm.ts'

/** Vectors where they are at hand: nothing of them is copied here. */
const FOLDER = fileURLToPath(new URL('../../../shared/data/yardsticks/', import.meta.url))
const ABSENT = !existsSync(FOLDER)
const REASON = ABSENT ? ' (skipped: the vectors are not at hand)' : ''

const slots = [{ surplusWh: 0, surplusMicro: 0, gridMicro: 5 }]
const machine = { slots, from: 0, to: 1, profileWh: [3] }
const right = { ...machine, expected: { start: 0, costMicroWh: '15' } }
const wrong = { ...machine, expected: { start: 0, costMicroWh: '16' } }

/** `wattmesh eval --yardstick` on a file of these vectors. */
async function measured(file: unknown, ...flags: readonly string[]) {
  using folder = scratch()
  writeFileSync(folder.path('vectors.json'), typeof file === 'string' ? file : JSON.stringify(file))
  return await runIn(folder.path('.'), ['eval', '--yardstick', 'vectors.json', ...flags])
}

describe('wattmesh eval --yardstick', () => {
  test('says how many cases hold, and is content when all do', async () => {
    const { code, out } = await measured({ kind: 'machine', cases: [right, right] })
    expect(out).toMatch(/✔ +vectors.json +machine +2 +2/)
    expect(code).toBe(0)
  })

  test('names the first case that does not, and fails', async () => {
    const { code, out } = await measured({ kind: 'machine', cases: [right, wrong, wrong] })
    expect(out).toMatch(/✘ +vectors.json +machine +3 +1/)
    expect(out).toContain('✘ vectors.json, 1: expected')
    expect(code).toBe(1)
  })

  test('a case that cannot be run does not hold', async () => {
    const { code, out } = await measured({ kind: 'machine', cases: [right, null] })
    expect(out).toContain('it cannot be run')
    expect(code).toBe(1)
  })

  test('for programs it is JSON', async () => {
    const { out } = await measured({ kind: 'machine', cases: [wrong] }, '--json', '-')
    expect(JSON.parse(out)).toMatchObject([{ kind: 'machine', cases: 1, hold: 0, first: { name: '0' } }])
  })

  test.each([
    ['of no kind known', {}, 'known kinds: auction'],
    ['that is not JSON', 'nonsense', 'is not JSON'],
  ])('a file %s is refused with what to do', async (_, file, words) => {
    const { code, err } = await measured(file)
    expect(err).toContain(words)
    expect(code).toBe(1)
  })
})

describe.skipIf(ABSENT)(`the vectors of the field hold${REASON}`, () => {
  test.each(['auction', 'audit', 'signing', 'battery', 'car', 'machine', 'heat'])('%s', async name => {
    using folder = scratch()
    const { code, out } = await runIn(folder.path('.'), ['eval', '--yardstick', `${FOLDER}${name}.json`])
    expect([code, out.split('✘')[1]]).toEqual([0, undefined])
  })
})

test('nothing to measure is said with what there is', async () => {
  using folder = scratch()
  const { code, err } = await runIn(folder.path('.'), ['eval'])
  expect(err).toContain('--yardstick FILE…')
  expect(code).toBe(1)
})

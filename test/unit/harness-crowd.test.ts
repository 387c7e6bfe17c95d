import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { chunk } from '../../src/domains/knowledge/kinds/chunk.ts'
import { createLies, falsified } from '../../src/domains/knowledge/scenario.ts'
import { createProgressLine } from '../../src/harness/progress.ts'
import { crowd } from '../../src/harness/scenario/crowd.ts'
import { workerKills } from '../../src/harness/scenario/kill-plan.ts'
import { smallTexts } from '../../src/harness/scenario/small-texts.ts'
import { openTokenizer } from '../../src/threads/use-lite/use-lite.ts'

const README = Array.from({ length: 60 }, (_, i) => `Line ${i} of a README that says a thing or two about a package.\n`)
const readmes = [{ name: 'one/README.md', text: README.join('') }]

describe('small texts', () => {
  test('are as many as asked for, all different, and each is one task', () => {
    const texts = smallTexts(readmes, 50)
    expect(texts).toHaveLength(50)
    expect(new Set(texts.map(({ text }) => text)).size).toBe(50)
    expect(new Set(texts.map(({ name }) => name)).size).toBe(50)
    for (const text of texts) expect([...chunk.split(text, { maxTokens: 110 })]).toHaveLength(1)
  })

  test('are the same for the same READMEs', () => {
    expect(smallTexts(readmes, 20)).toEqual(smallTexts(readmes, 20))
  })
})

describe('a crowd', () => {
  const six = { compute: 6, asker: true, liarShare: 0.3, lieShare: 1, seed: 3 }
  const liarsOf = (seed: number) =>
    crowd({ ...six, seed })
      .filter(({ options }) => options['compute.lieShare'] === 1)
      .map(({ name }) => name)

  test('has one who asks and does not compute, and liars among those who do', () => {
    const [asker, ...workers] = crowd(six)
    expect(asker).toMatchObject({ roles: ['household'], options: { 'household.trade': false } })
    expect(workers.map(({ roles }) => roles)).toEqual(Array(6).fill(['compute']))
    expect(liarsOf(3)).toHaveLength(2)
    expect(crowd({ ...six, asker: false })).toHaveLength(6)
  })

  test('has the same liars for the same seed', () => {
    expect(liarsOf(3)).toEqual(liarsOf(3))
    expect(new Set(Array.from({ length: 20 }, (_, seed) => liarsOf(seed).join())).size).toBeGreaterThan(1)
  })

  test('loses a share of its workers, each while work is still left, the same for the same seed', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const { order, kills } = workerKills(names, { share: 0.5, seed: 3 })
    expect({ order, kills }).toEqual(workerKills(names, { share: 0.5, seed: 3 }))
    expect(order.toSorted()).toEqual(names)
    expect(kills).toHaveLength(3)
    for (const { atDoneShare } of kills) {
      expect(atDoneShare).toBeGreaterThan(0.1)
      expect(atDoneShare).toBeLessThan(0.7)
    }
    expect(workerKills(names, { share: 0, seed: 3 }).kills).toEqual([])
    expect(workerKills(names, { share: 0.01, seed: 3 }).kills).toHaveLength(1)
  })
})

describe('a lie', () => {
  const input = { text: 'A sentence to chunk. And another one, a little longer than the first.', offset: 0 }
  const params = { maxTokens: 110 }

  async function truth() {
    return await chunk.run(input, params, {
      counter: await openTokenizer(),
      signal: new AbortController().signal,
      progress: () => undefined,
    })
  }

  test('passes every cheap check and is another answer, so that only a second opinion tells', async () => {
    const honest = await truth()
    const lie = chunk.output.parse(falsified(honest))
    expect(chunk.verify({ input, output: lie }, params)).toBeUndefined()
    expect(chunk.agrees(honest, lie)).toBe(false)
    expect(chunk.agrees(lie, chunk.output.parse(falsified(honest)))).toBe(true)
  })

  test('is told as often as the share says, and never by default', async () => {
    const honest = await truth()
    const { options } = loadConfig('/nowhere', {})
    expect(createLies(options.compute.lieShare, () => 0)(honest)).toBe(honest)
    expect(createLies(0.2, () => 0.19)(honest)).toEqual(falsified(honest))
    expect(createLies(0.2, () => 0.2)(honest)).toBe(honest)
  })
})

describe('the line of progress', () => {
  test('guesses nothing: without two looks that differ there is neither rate nor remaining time', () => {
    const line = createProgressLine(1_000)
    expect(line.at(0, 0)).toBe('░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 0 %  0 of 1000 tasks')
    expect(line.at(0, 500)).not.toContain('/s')
    expect(line.at(500, 1_000)).toBe('███████████████░░░░░░░░░░░░░░░ 50 %  500 of 1000 tasks  500/s  1 s left')
    expect(line.at(1_000, 2_000)).toContain(' 100 %  1000 of 1000 tasks  500/s  0 s left')
  })
})

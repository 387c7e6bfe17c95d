import { describe, expect, it } from 'vitest'
import { extremesOf, shareOf, wrongFind, wrongStatistics } from '../../src/domains/knowledge/asking/claims.ts'
import { MAX_LENGTH, sectionOf } from '../../src/domains/knowledge/search/sections.ts'
import { mergeStatistics } from '../../src/domains/knowledge/search/statistics.ts'
import { indexTerms } from '../../src/text/index-terms.ts'

describe('statistics of a peer', () => {
  it.each([
    ['more words than its sections can have', { sections: 2, terms: 2 * MAX_LENGTH + 1, frequencies: [1] }],
    ['words without a section', { sections: 0, terms: 1, frequencies: [0] }],
    ['a word in more sections than there are', { sections: 2, terms: 100, frequencies: [1, 3] }],
    ['a word in a section that is not there', { sections: 0, terms: 0, frequencies: [1] }],
  ])('cannot claim %s', (_, said) => {
    expect(wrongStatistics(said)).toMatch(/^claims/u)
  })

  it('count in full beside ours while they are not out of all proportion', () => {
    const said = { sections: 1_100_000, terms: 1e8, frequencies: [5, 1_100_000] }
    expect(wrongStatistics(said)).toBeUndefined()
    expect(shareOf(said, 2, 100_000)).toEqual(said)
  })

  it('count as a sample with the same proportions when they are', () => {
    const said = { sections: 1e9, terms: 2e11, frequencies: [5e8, 3] }
    expect(shareOf(said, 2, 0)).toEqual({ sections: 100_000, terms: 2e7, frequencies: [50_000, 0] })
  })

  it('have a number for each word of the question, and a term a section at least', () => {
    expect(shareOf({ sections: 3, terms: 0, frequencies: [] }, 2, 0)).toEqual({
      sections: 3,
      terms: 3,
      frequencies: [0, 0],
    })
  })

  it('of as many peers as are asked, with whatever they claim, fit into a query', () => {
    const most = { sections: 1e12, terms: 1e12, frequencies: [1e12] }
    const longest = { sections: 1e8, terms: 1e12, frequencies: [0] }
    for (const said of [most, longest]) {
      const all = mergeStatistics(
        Array.from({ length: 32 }, () => shareOf(said, 1, 1e9)),
        1,
      )
      expect(all.terms).toBeLessThan(1e12)
      expect(all.sections).toBeLessThanOrEqual(all.terms)
    }
  })
})

describe('counts of a find', () => {
  const find = { collection: 'c', name: 'n', title: '', start: 0, text: 'roof tiles', length: MAX_LENGTH }

  it('are no more than eight passages have room for', () => {
    const terms = [
      'photovoltaics',
      'temperature',
      'refrigeration',
      'thermodynamics',
      'superconductivity',
      'electrolyte',
    ]
    expect(wrongFind({ ...find, counts: terms.map(() => 255) }, terms)).toContain('room for')
    expect(wrongFind({ ...find, counts: terms.map(() => 100) }, terms)).toBeUndefined()
  })

  it.each([
    ['English', 'heat pump '.repeat(200)],
    ['Japanese', '電気自動車充電設備'.repeat(222)],
    ['short names', 'a1 b2 c3 d4 '.repeat(166)],
  ])('of the fullest section there can be are believed: %s', (_, passage) => {
    const text = passage.repeat(8)
    const passages = Array.from({ length: 8 }, (_, n) => {
      const start = n * passage.length
      return { start, end: start + passage.length, vector: Float32Array.of(1) }
    })
    const { counts, length } = sectionOf(text, passages)
    const terms = [...new Set(indexTerms(passage))]
    const said = { ...find, text: passage, counts: terms.map(term => counts.get(term) ?? 0), length }
    expect(Math.max(...said.counts)).toBe(255)
    expect(wrongFind(said, terms)).toBeUndefined()
  })
})

describe('how far a peer says its passages are', () => {
  it('is no farther than chance puts any: 512 dimensions bring one of a million to five in the root of 512', () => {
    const farthest = -5 / Math.sqrt(512)
    expect(extremesOf([0.3, 0.6], { min: -1, max: 1 }, 512)).toEqual({ min: farthest, max: 0.6 })
    expect(extremesOf([-1, 0.6], { min: 0, max: 1 }, 512)).toEqual({ min: farthest, max: 0.6 })
    expect(extremesOf([0.3, 0.6], { min: -0.1, max: 0.6 }, 512)).toEqual({ min: -0.1, max: 0.6 })
  })

  it('is never farther than its nearest', () => {
    expect(extremesOf([-0.9], { min: -0.95, max: -0.9 }, 512)).toEqual({ min: -0.9, max: -0.9 })
  })
})

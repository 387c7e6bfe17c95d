import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gather } from '../../src/domains/knowledge/search/gather.ts'
import { largest } from '../../src/domains/knowledge/search/largest.ts'
import { createMemoryShard } from '../../src/domains/knowledge/search/memory-shard.ts'
import { contenders, rank } from '../../src/domains/knowledge/search/ranking.ts'
import { type Question, type Shard, search, statisticsOf } from '../../src/domains/knowledge/search/search.ts'
import { sectionOf } from '../../src/domains/knowledge/search/sections.ts'
import { mergeStatistics, sectionWeights } from '../../src/domains/knowledge/search/statistics.ts'
import { dotPacked, pack } from '../../src/domains/knowledge/search/vectors.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { bm25 } from '../../src/text/bm25.ts'
import { indexTerms } from '../../src/text/index-terms.ts'
import { FINGERPRINT, openShelf, sectionsOf, wordVector } from '../support/knowledge-shelf.ts'

const WORDS = 'heat pump wing flow grid meter price solar roof valve engine shock wave plate boundary layer'.split(' ')

/** Thirty texts of words that some of them share. */
function texts(): string[] {
  const random = seededRandom(11)
  const word = () => WORDS[Math.floor(random() ** 2 * WORDS.length)] ?? ''
  return Array.from({ length: 30 }, (_, n) =>
    Array.from({ length: 1 + (n % 12) }, () =>
      Array.from({ length: 5 + Math.floor(random() * 9) }, word).join(' '),
    ).join('\n\n'),
  )
}

function questionOf(text: string): Question {
  return { terms: [...new Set(indexTerms(text))], vector: wordVector(text), fingerprint: FINGERPRINT }
}

function ranking(shards: readonly Shard[], question: Question, count: number) {
  const statistics = mergeStatistics(
    shards.map(shard => statisticsOf(shard, question.terms)),
    question.terms.length,
  )
  const parts = shards.map(shard => {
    const { hits, extremes } = search(shard, question, statistics, count)
    const shown = new Map(shard.show(hits.map(hit => hit.passage)).map(one => [one.passage, one]))
    return { extremes, finds: hits.map(hit => ({ ...hit, text: shown.get(hit.passage)?.text ?? '' })) }
  })
  return gather(parts, statistics)
    .slice(0, count)
    .map(({ item, score }) => ({ text: item.text, score: Number(score.toFixed(9)) }))
}

async function inMemory(documents: readonly string[]): Promise<Shard> {
  const shard = createMemoryShard('all', FINGERPRINT)
  for (const [n, text] of documents.entries()) shard.add({ name: `${n}`, title: '' }, await sectionsOf(text))
  return shard
}

describe('terms', () => {
  it('are stems in lower case without stop words, each as often as it occurs', () => {
    expect(indexTerms('The Pumps are pumping: PUMP, and the 3 cafés')).toEqual(['pump', 'pump', 'pump', '3', 'cafés'])
  })

  it('are pairs of characters where words are not parted by spaces', () => {
    expect(indexTerms('東京都')).toEqual(['東京', '京都'])
  })
})

describe('BM25', () => {
  it('weighs a rare word above a frequent one, and a short section above a long one', () => {
    const weights = sectionWeights({ sections: 100, terms: 1_000, frequencies: [2, 80] })
    expect(bm25(weights, { counts: [1, 0], length: 10 })).toBeGreaterThan(bm25(weights, { counts: [0, 1], length: 10 }))
    expect(bm25(weights, { counts: [1, 0], length: 5 })).toBeGreaterThan(bm25(weights, { counts: [1, 0], length: 50 }))
  })

  it('is the formula: one term once in a section of average length weighs its inverse document frequency', () => {
    const [weight] = sectionWeights({ sections: 9, terms: 90, frequencies: [2] })
    expect(weight?.(1, 10)).toBeCloseTo(Math.log(1 + 7.5 / 2.5), 9)
  })
})

describe('the ranking', () => {
  it('is six tenths of words and four of meaning, each against the best', () => {
    const items = [
      { bm25: 4, closeness: 0.2 },
      { bm25: 2, closeness: 0.6 },
      { bm25: 0, closeness: undefined },
    ]
    const scores = rank(items, { min: 0, max: 0.8 }).map(({ item, score }) => [item.bm25, score])
    expect(scores.map(([item]) => item)).toEqual([4, 2, 0])
    expect(scores.map(([, score]) => score)).toEqual([expect.closeTo(0.7), expect.closeTo(0.6), 0])
  })

  it('never has a first one that is not among the contenders, whatever the best values elsewhere', () => {
    const evidence = fc.record({
      bm25: fc.double({ min: 0, max: 9, noNaN: true }),
      closeness: fc.double({ min: -1, max: 1, noNaN: true }),
    })
    fc.assert(
      fc.property(
        fc.array(evidence, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.double({ min: 9, max: 90, noNaN: true }),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (items, count, elsewhere, width) => {
          const extremes = { min: -1, max: -1 + width }
          const score = ({ bm25: words, closeness }: (typeof items)[0]) =>
            (0.6 * words) / elsewhere + 0.4 * Math.min(1, (closeness - extremes.min) / width)
          const wanted = items
            .map(score)
            .sort((a, b) => b - a)
            .slice(0, count)
          const kept = contenders(items, count)
            .map(score)
            .sort((a, b) => b - a)
            .slice(0, count)
          for (const [index, value] of wanted.entries()) expect(kept[index]).toBeCloseTo(value, 9)
        },
      ),
    )
  })

  it('over five shards is that of one index, score by score', async () => {
    const documents = texts()
    const one = await inMemory(documents)
    const five = await Promise.all([0, 1, 2, 3, 4].map(part => inMemory(documents.filter((_, n) => n % 5 === part))))
    for (const asked of ['heat pump price', 'boundary layer wing', 'solar', 'roof valve shock wave']) {
      expect(ranking(five, questionOf(asked), 8)).toEqual(ranking([one], questionOf(asked), 8))
    }
  })

  it('keeps a text once that several hold', async () => {
    const shards = [await inMemory(['the heat pump']), await inMemory(['the  heat\npump', 'a solar roof'])]
    expect(ranking(shards, questionOf('heat'), 5).filter(({ text }) => text.includes('heat'))).toHaveLength(1)
  })
})

describe('the kept index', () => {
  it('finds what one in memory finds, with the same scores', async () => {
    const shelf = openShelf()
    const documents = texts()
    for (const [n, text] of documents.entries()) await shelf.put('all', `${n}`, text)
    const kept = shelf.store.shard('all') as Shard
    const memory = await inMemory(documents)
    for (const asked of ['heat pump price', 'grid meter', 'engine plate flow']) {
      expect(ranking([kept], questionOf(asked), 10)).toEqual(ranking([memory], questionOf(asked), 10))
    }
    shelf.close()
  })

  it('finds the nearest of thousands by guessing first', () => {
    const shard = createMemoryShard('many', FINGERPRINT)
    const random = seededRandom(5)
    const vectors = Array.from({ length: 3_000 }, () => {
      const vector = Float32Array.from({ length: 512 }, () => random() - 0.5)
      const length = Math.hypot(...vector)
      return vector.map(value => value / length)
    })
    for (const [n, vector] of vectors.entries()) {
      const text = `passage ${n}`
      shard.add({ name: text, title: '' }, [sectionOf(text, [{ start: 0, end: text.length, vector }])])
    }
    const packed = vectors.map(pack)
    let found = 0
    for (const asked of vectors.slice(0, 20)) {
      const vector = asked.map((value, index) => value + 0.8 * ((vectors[2_999]?.[index] ?? 0) - value))
      const nearest = largest(
        packed.map(other => dotPacked(vector, other)),
        2,
      )
      const question = { terms: [], vector, fingerprint: FINGERPRINT }
      const { hits } = search(shard, question, { sections: 1, terms: 1, frequencies: [] }, 2)
      found += nearest.filter(one => hits.some(({ passage }) => passage === one)).length
    }
    expect(found / 40).toBeGreaterThan(0.95)
  })

  it('compares no vectors of another model, and none of another length', async () => {
    const shard = await inMemory(['the heat pump hums', 'a solar roof'])
    const other = { ...questionOf('heat pump'), fingerprint: 'b'.repeat(64) }
    const longer = { ...questionOf('heat pump'), vector: new Float32Array(512).fill(0.04) }
    for (const question of [other, longer]) {
      const { hits, extremes } = search(shard, question, statisticsOf(shard, question.terms), 5)
      expect(extremes).toBeUndefined()
      expect(hits.map(({ closeness }) => closeness)).toEqual([undefined])
      expect(shard.show(hits.map(({ passage }) => passage))[0]?.text).toBe('the heat pump hums')
    }
  })
})

describe('a packed vector', () => {
  it('has the dot product of the whole one, to a thousandth', () => {
    const [a, b] = [wordVector('heat pump price of a solar roof'), wordVector('solar roof price')]
    const exact = a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
    expect(dotPacked(a, pack(b))).toBeCloseTo(exact, 2)
  })
})

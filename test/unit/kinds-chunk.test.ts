import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { chunk, digestOf } from '../../src/domains/knowledge/kinds/chunk.ts'
import { chunkText } from '../../src/text/chunker.ts'
import { maxGraphemeUnits } from '../../src/text/graphemes.ts'
import { maxParagraphUnits, paragraphEnds } from '../../src/text/paragraphs.ts'
import type { TokenCounter } from '../../src/text/ruler.ts'
import { sentenceEnds } from '../../src/text/sentences.ts'
import type { WorkContext } from '../../src/threads/kind.ts'
import { openTokenizer } from '../../src/threads/use-lite/use-lite.ts'

const params = { maxTokens: 110 }
const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

let counter: TokenCounter
beforeAll(async () => {
  counter = await openTokenizer()
})

/** Texts with everything that makes cutting hard, some longer than a paragraph may be. */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.lorem({ mode: 'sentences', maxCount: 4 }),
      fc.constantFrom(
        ' ',
        '\n',
        '\r\n',
        '\n\n',
        '\r\n \r\n',
        '\u2029',
        '. ',
        '。',
        '! \u0301',
        '- item\n',
        'Dr. Who. ',
      ),
      fc
        .tuple(
          fc.constantFrom('x', '漢', '👨‍👩‍👧‍👦', '🇩🇪', 'e\u0301', ' ', '\u0301', 'ﷺ', '한'),
          fc.integer({ min: 1, max: 900 }),
        )
        .map(([unit, times]) => unit.repeat(times)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map(pieces => pieces.join(''))
  .filter(text => text.length > 0)

const slices = (text: string, ends: Iterable<number>) => {
  let start = 0
  return Array.from(ends, end => {
    const slice = text.slice(start, end)
    start = end
    return slice
  })
}

/** The offsets at which a character must not be cut: none of its, or none within a pair when it is overlong. */
function insideOf({ index, segment }: Intl.SegmentData): number[] {
  const isPair = (at: number) => /^[\ud800-\udbff][\udc00-\udfff]$/.test(segment.slice(at - 1, at + 1))
  const offsets = Array.from({ length: segment.length - 1 }, (_, before) => before + 1)
  return offsets.filter(at => segment.length <= maxGraphemeUnits || isPair(at)).map(at => index + at)
}

function context(): WorkContext<'counter'> {
  return {
    counter,
    signal: new AbortController().signal,
    progress: () => {},
  }
}

async function runAll(text: string) {
  const inputs = Array.from(chunk.split({ name: 'document', text }, params))
  return Promise.all(inputs.map(async input => ({ input, output: await chunk.run(input, params, context()) })))
}

describe('chunking', () => {
  it('loses nothing: the chunks follow each other and are the text', () => {
    fc.assert(
      fc.property(texts, text => {
        const chunks = chunkText(text, counter, 110)
        expect(chunks.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text)
        expect(chunks.map(({ start }) => start)).toEqual([0, ...chunks.slice(0, -1).map(({ end }) => end)])
      }),
    )
  })

  it('counts the tokens of each chunk and keeps to the limit, but for a single character', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 48, max: 120 }), (text, maxTokens) => {
        for (const { start, end, tokens } of chunkText(text, counter, maxTokens)) {
          expect(tokens).toBe(counter.count(text.slice(start, end)))
          if (end - start > maxGraphemeUnits) expect(tokens).toBeLessThanOrEqual(maxTokens)
        }
      }),
    )
  })

  it('never cuts a character in two', () => {
    fc.assert(
      fc.property(texts, text => {
        const inside = new Set(Array.from(segmenter.segment(text), insideOf).flat())
        expect(chunkText(text, counter, 110).filter(({ end }) => inside.has(end))).toEqual([])
      }),
    )
  })

  it('keeps sentences whole while they fit, and starts a new chunk after a paragraph when half full', () => {
    const sentence = 'The panel on the roof gave more energy than the house could use today. '
    const paragraph = `${sentence.repeat(5).trim()}\n\n`
    const text = paragraph.repeat(3)
    expect(chunkText(text, counter, 110).map(({ start, end }) => text.slice(start, end))).toEqual([
      paragraph,
      paragraph,
      paragraph,
    ])
  })

  it('packs short paragraphs together instead of making crumbs', () => {
    expect(chunkText('One.\n\nTwo.\n\nThree.\n\n'.repeat(4), counter, 110)).toHaveLength(1)
  })

  it('cuts a word that is too long by what the model can read, not by characters alone', () => {
    const chunks = chunkText('0123456789abcdef'.repeat(100), counter, 110)
    for (const { tokens } of chunks.slice(0, -1)) expect(tokens).toBeGreaterThan(90)
  })

  it('ends a chunk of unknown letters, though all of them are one token', () => {
    const chunks = chunkText('漢'.repeat(10_000), counter, 110)
    expect(Math.max(...chunks.map(({ start, end }) => end - start))).toBeLessThanOrEqual(110 * 16)
  })

  it('is the same for a counter that adds up words and for one that sees only whole texts', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 48, max: 120 }), (text, maxTokens) => {
        const whole = { count: (stretch: string) => counter.count(stretch) }
        expect(chunkText(text, counter, maxTokens)).toEqual(chunkText(text, whole, maxTokens))
      }),
    )
  })

  it('gives what version 1 has always given: peers that differ would call each other liars', () => {
    const paragraphs = [
      'Dr. Who sold 3.5 kWh to the house at No. 7, i.e. to a neighbour; nobody “measured” it… Why? See [1].',
      '- https://example.com/path/to/a/page?with=query&and=more#fragment-of-it\n- ﷺ ﬁne ½ naïve cafe\u0301 \u00b4',
      '今天很好。我们去公园！「好。」漢字かな交じり文、それから한국어 문장。',
      '👨‍👩‍👧‍👦🇩🇪👍🏽 العربية שלום \u0301\u00a0नमस्ते\r\n \r\nQUJD'.concat('REVGR0hJ'.repeat(60)),
      'one clause, and another: '.repeat(40),
      'e\u0301\u0302'.repeat(700),
    ]
    const text = Array.from({ length: 12 }, (_, turn) => paragraphs.slice(turn % 6).join(turn % 2 ? '\n\n' : ' ')).join(
      '\n\n',
    )
    const digests = [48, 110, 120].map(maxTokens => digestOf(chunkText(text, counter, maxTokens)).slice(0, 16))
    expect(digests).toEqual(['bce4650674e55819', '213a48e5514f9962', '297c65ac3f5be9f9'])
  })
})

describe('paragraphs', () => {
  it('end with their blank lines and are never longer than the limit', () => {
    expect(slices('One\ntwo.\n\n \nThree.\r\n\r\nFour', paragraphEnds('One\ntwo.\n\n \nThree.\r\n\r\nFour'))).toEqual([
      'One\ntwo.\n\n \n',
      'Three.\r\n\r\n',
      'Four',
    ])
    fc.assert(
      fc.property(texts, text => {
        for (const paragraph of slices(text, paragraphEnds(text)))
          expect(paragraph.length).toBeLessThanOrEqual(maxParagraphUnits)
      }),
    )
  })

  it('take time proportional to the text, even when it is one line', () => {
    const text = 'word '.repeat(400_000)
    const started = performance.now()
    expect([...paragraphEnds(text)].at(-1)).toBe(text.length)
    // Quadratic time would be minutes; a slow machine needs a second.
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

describe('sentences', () => {
  it.each([
    ['He came. She left! Why? Nobody knows…', ['He came. ', 'She left! ', 'Why? ', 'Nobody knows…']],
    [
      'Dr. Smith met J. R. Doe, i.e. a friend. They spoke.',
      ['Dr. Smith met J. R. Doe, i.e. a friend. ', 'They spoke.'],
    ],
    ['It costs 3.50 a kWh. "Too much." He paid.', ['It costs 3.50 a kWh. ', '"Too much." ', 'He paid.']],
    ['今天很好。我们去公园！「好。」', ['今天很好。', '我们去公园！', '「好。」']],
    ['A list:\n- one\n- two\n3. three', ['A list:\n', '- one\n', '- two\n', '3. three']],
    ['wrapped in\nthe middle', ['wrapped in\nthe middle']],
  ])('of %j', (paragraph, sentences) => {
    expect(slices(paragraph, sentenceEnds(paragraph))).toEqual(sentences)
  })
})

describe('the chunk kind', () => {
  it('splits a document into parts that its schema accepts, and that are the document', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 30 }), many => {
        const text = many.join('\n\n').toWellFormed()
        const parts = Array.from(chunk.split({ name: 'document', text }, params))
        expect(parts.map(part => part.text).join('')).toBe(text)
        for (const part of parts) {
          expect(chunk.input.safeParse(part).success).toBe(true)
          expect(text.startsWith(part.text, part.offset)).toBe(true)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('cuts parts only between paragraphs, so a part has the paragraphs it has in the document', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 10, maxLength: 40 }), many => {
        const text = many.join('')
        const parts = Array.from(chunk.split({ name: 'document', text }, params))
        const ends = parts.flatMap(({ text: part, offset }) => [...paragraphEnds(part)].map(end => offset + end))
        expect(ends).toEqual([...paragraphEnds(text)])
      }),
      { numRuns: 30 },
    )
  })

  it('gives the same result and digest each time, and its own check accepts it', async () => {
    const text = 'A neighbour sells energy. Another buys it, when the sun is down.\n\n'.repeat(1500)
    const [first, second] = [await runAll(text), await runAll(text)]
    expect(first.length).toBeGreaterThan(1)
    expect(chunk.merge(first)).toEqual(chunk.merge(second))
    for (const part of first) expect(chunk.verify(part, params)).toBeUndefined()
    expect(chunk.merge(first).chunks.at(-1)?.end).toBe(text.length)
  })

  it('finds out a stranger who drops, moves or invents', async () => {
    const [part] = await runAll('A neighbour sells energy. Another buys it.\n\n'.repeat(40))
    if (part === undefined) throw new TypeError('no part')
    const { input, output } = part
    const lie = (chunks: typeof output.chunks, digest = output.digest) =>
      chunk.verify({ input, output: { chunks, digest } }, params)
    expect(lie(output.chunks.slice(1))).toMatch(/gap/)
    expect(lie(output.chunks.slice(0, -1))).toMatch(/end at/)
    expect(lie(output.chunks.map(one => ({ ...one, tokens: 1 })))).toMatch(/tokens/)
    expect(lie([{ start: 0, end: input.text.length, tokens: 800 }])).toMatch(/too many/)
    expect(lie(output.chunks, '0'.repeat(64))).toMatch(/digest/)
  })

  it('refuses to merge when a part is missing', async () => {
    const parts = await runAll('A neighbour sells energy. Another buys it.\n\n'.repeat(2000))
    expect(() => chunk.merge(parts.slice(1))).toThrow(expect.objectContaining({ code: 'TASK_PARTS_INCOMPLETE' }))
  })
})

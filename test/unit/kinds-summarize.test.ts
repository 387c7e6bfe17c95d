import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SummarizeOutput, summarize } from '../../src/domains/knowledge/kinds/summarize.ts'
import { termsOf } from '../../src/text/terms.ts'
import type { WorkContext } from '../../src/threads/kind.ts'

const context: WorkContext = {
  signal: new AbortController().signal,
  progress: () => {},
}
const params = summarize.params.parse({})

async function parts(text: string, asked = params) {
  return Promise.all(
    Array.from(summarize.split({ name: 'document', text }, asked), async input => {
      const output = await summarize.run(input, asked, context)
      expect(summarize.output.safeParse(JSON.parse(JSON.stringify(output))).success).toBe(true)
      expect(summarize.verify({ input, output }, asked)).toBeUndefined()
      return { input, output }
    }),
  )
}

const article = `A heat pump moves heat from the cold ground into the house. The heat pump needs a third of the
electricity that a heater needs. Dr. Miller measured the heat pump of her house for a year.

The weather was nice. Her measurements of electricity show when a heat pump should run: when solar electricity is there.
Solar electricity is cheap at noon, and the heat pump stores heat in the house until the evening.`

describe('a summary', () => {
  it('names what the text is about, as it stands there, longest form first', async () => {
    const [{ output } = { output: undefined }] = await parts(article)
    const forms = output?.terms.map(({ form }) => form.toLowerCase()) ?? []
    expect(forms[0]).toBe('heat pump')
    expect(forms).toContain('solar electricity')
    expect(forms).not.toContain('the')
    expect(output?.terms[0]?.count).toBe(5)
  })

  it('quotes whole sentences in the order of the text, and not the one that stands alone', async () => {
    const [{ output } = { output: undefined }] = await parts(article)
    const quoted = output?.sentences.map(({ start, end }) => article.slice(start, end)) ?? []
    expect(quoted).toHaveLength(5)
    for (const sentence of quoted) expect(sentence).toMatch(/^[AHTDS].*\.$/s)
    expect(quoted.join(' ')).not.toContain('weather')
    expect(output?.sentences.map(({ start }) => start)).toEqual(
      output?.sentences.map(({ start }) => start).toSorted((a, b) => a - b),
    )
  })

  it('is the same every time, and of any script', async () => {
    const mixed =
      'Η αντλία θερμότητας ζεσταίνει το σπίτι. 太陽光の電気は安い。太陽光の電気を隣に売る。 Café № 5 👩‍👩‍👧 naïve.\n'
    const [first] = await parts(mixed)
    const [again] = await parts(mixed)
    expect(first).toEqual(again)
    expect(first?.output.terms.map(({ form }) => form)).toContain('太陽')
    expect(first?.output.sentences.length).toBeGreaterThan(0)
  })

  it('has no sentence and no term where there is none', async () => {
    const [only] = await parts('1 2 3 … !!!\n')
    expect(only?.output).toEqual({ terms: [], sentences: [] })
    const [asked] = await parts(article, summarize.params.parse({ sentences: 0, terms: 0 }))
    expect(asked?.output).toEqual({ terms: [], sentences: [] })
  })

  it('takes a bounded time for the worst of texts', { timeout: 20_000 }, async () => {
    for (const text of ['ab cd. '.repeat(20_000), 'x'.repeat(100_000), 'word '.repeat(20_000), '電'.repeat(30_000)]) {
      const startedMs = performance.now()
      const many = await parts(text)
      expect((performance.now() - startedMs) / many.length).toBeLessThan(5_000)
    }
  })

  it('survives every text, and its own check accepts what it says', async () => {
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }).filter(text => text.isWellFormed())
    await fc.assert(
      fc.asyncProperty(texts, async text => void (await parts(text))),
      { numRuns: 200 },
    )
  })

  it('of many parts has the best of all, with offsets into the document', async () => {
    const long = `${'The tide gauge tells the harbour how high the water stands today. '.repeat(1_000)}\n\n${article}`
    const done = await parts(long)
    expect(done.length).toBeGreaterThan(1)
    const { sentences, terms } = summarize.merge(done)
    expect(sentences).toHaveLength(5)
    for (const { start, end } of sentences) expect(long.slice(start, end)).toMatch(/^[A-Z].*\.$/s)
    expect(terms[0]?.form).toContain('tide gauge')
    expect(() => summarize.merge(done.slice(1))).toThrow(expect.objectContaining({ code: 'TASK_PARTS_INCOMPLETE' }))
  })
})

describe('the check of a stranger’s summary', () => {
  async function lie(change: (output: SummarizeOutput) => Partial<SummarizeOutput>) {
    const [part] = await parts(article)
    if (part === undefined) throw new TypeError('no part')
    return summarize.verify({ ...part, output: { ...part.output, ...change(part.output) } }, params)
  }

  it('finds words and sentences that do not stand there', async () => {
    expect(await lie(({ terms }) => ({ terms: terms.map(one => ({ ...one, form: 'cold fusion' })) }))).toMatch(
      /not stand/,
    )
    expect(await lie(({ terms }) => ({ terms: terms.map(one => ({ ...one, term: 'fusion' })) }))).toMatch(/stems/)
    expect(await lie(({ terms }) => ({ terms: terms.toReversed() }))).toMatch(/order/)
    expect(await lie(({ terms }) => ({ terms: [...terms.slice(0, 1), ...terms.slice(0, 1)] }))).toMatch(/twice/)
    expect(
      await lie(({ sentences }) => ({ sentences: sentences.map(one => ({ ...one, start: one.start + 1 })) })),
    ).toMatch(/no sentence/)
    expect(await lie(({ sentences }) => ({ sentences: sentences.toReversed() }))).toMatch(/no sentence/)
    expect(await lie(({ terms }) => ({ terms: Array(16).fill(terms[0]) }))).toMatch(/more than/)
  })

  it('tells answers of another mind from those of another machine', async () => {
    const [part] = await parts(article)
    const output = part?.output as SummarizeOutput
    const near = { ...output, terms: output.terms.map(one => ({ ...one, score: one.score + 1e-6 })) }
    expect(summarize.agrees(output, near)).toBe(true)
    expect(summarize.agrees(output, { ...output, terms: output.terms.toReversed() })).toBe(false)
    expect(summarize.agrees(output, { ...output, sentences: output.sentences.slice(1) })).toBe(false)
  })
})

describe('terms', () => {
  it('are stems in lower case, wherever they stand', () => {
    const terms = [...termsOf('Selling neighbours’ ﬁelds — SELLS 3.5 kWh!')]
    expect(terms.map(({ stem }) => stem)).toEqual(['sell', 'neighbour', 'field', 'sell', '3', '5', 'kwh'])
    expect(terms[0]).toEqual({ stem: 'sell', form: 'Selling', start: 0, end: 7 })
  })

  it('keep combining marks with their letter, and characters beyond the first plane whole', () => {
    expect(Array.from(termsOf('e\u0301te\u0301 𠮷野家'), ({ stem }) => stem)).toEqual(['été', '𠮷野', '野家'])
  })
})

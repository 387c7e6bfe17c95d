import { z } from 'zod'
import type { Kind } from '../../../daemon/kind.ts'
import { type KeySentence, keySentences } from '../../../text/key-sentences.ts'
import { type KeyTerm, keyTerms, rounded, type Sentence } from '../../../text/key-terms.ts'
import { paragraphEnds } from '../../../text/paragraphs.ts'
import { sentenceEnds } from '../../../text/sentences.ts'
import { type SourceText, sourceTextSchema } from '../../../text/source-text.ts'
import { compare, termsOf } from '../../../text/terms.ts'
import { requireContiguous, splitText, type TextPart, textPartSchema } from './text-part.ts'

export interface SummarizeParams {
  /** How many key sentences and key terms at most. */
  readonly sentences: number
  readonly terms: number
}

/** What a text is about, in its own words: nothing is made up. */
export interface SummarizeOutput {
  /** By falling score. */
  readonly terms: readonly KeyTerm[]
  /** By place in the text; offsets in UTF-16 code units. */
  readonly sentences: readonly KeySentence[]
}

const maxInputBytes = 48 * 1024
/** Of scores that honest machines computed. */
const tolerance = 2e-6

const scoreSchema = z.number().min(0).max(1e6)
const span = { start: z.int().min(0), end: z.int().min(1), score: scoreSchema }
const termSchema = z.strictObject({
  term: z.string().min(1).max(1024),
  form: z.string().min(1).max(1024),
  count: z.int().min(1),
  score: scoreSchema,
})

/** The key terms and key sentences of a document, extracted; deterministic, without a model, in any language. */
export const summarize: Kind<{
  source: SourceText
  params: SummarizeParams
  input: TextPart
  output: SummarizeOutput
  result: SummarizeOutput
  asks: never
}> = {
  name: 'summarize',
  version: 1,
  asks: {},
  source: sourceTextSchema,
  params: z.strictObject({
    sentences: z.int().min(0).max(50).default(5),
    terms: z.int().min(0).max(100).default(15),
  }),
  input: textPartSchema(maxInputBytes),
  output: z.strictObject({ terms: z.array(termSchema).max(100), sentences: z.array(z.strictObject(span)).max(50) }),
  limits: { maxInputBytes, maxRunMs: () => 20_000, maxMemoryMb: 96 },

  split: document => splitText(document, maxInputBytes),

  async run({ text }, params, context) {
    const sentences = [...sentencesOf(text)]
    context.signal.throwIfAborted()
    return { terms: keyTerms(text, sentences, params.terms), sentences: keySentences(sentences, params.sentences) }
  },

  verify({ input: { text }, output }, params) {
    if (output.terms.length > params.terms || output.sentences.length > params.sentences)
      return 'more than was asked for'
    return wrongTerm(text, output.terms) ?? wrongSentence(text, output.sentences)
  },

  agrees(a, b) {
    const near = (x: number, y: number) => Math.abs(x - y) <= tolerance
    if (a.terms.length !== b.terms.length || a.sentences.length !== b.sentences.length) return false
    return (
      a.terms.every((one, index) => one.term === b.terms[index]?.term && near(one.score, b.terms[index].score)) &&
      a.sentences.every(
        (one, index) => one.start === b.sentences[index]?.start && near(one.score, b.sentences[index].score),
      )
    )
  },

  /** As many of each as the part with the most of them has: the parameters are not known here, and parts are alike. */
  merge(parts) {
    requireContiguous(parts)
    const most = (list: 'terms' | 'sentences') => Math.max(0, ...parts.map(({ output }) => output[list].length))
    const sentences = parts.flatMap(({ input: { offset }, output }) =>
      output.sentences.map(({ start, end, score }) => ({ start: offset + start, end: offset + end, score })),
    )
    return {
      terms: mergedTerms(parts.flatMap(({ output }) => output.terms)).slice(0, most('terms')),
      sentences: sentences
        .toSorted((a, b) => b.score - a.score || a.start - b.start)
        .slice(0, most('sentences'))
        .toSorted((a, b) => a.start - b.start),
    }
  },
}

/** Without the white space around them; a paragraph's end is a sentence's. */
function* sentencesOf(text: string): Generator<Sentence, void> {
  let paragraphStart = 0
  for (const paragraphEnd of paragraphEnds(text)) {
    const paragraph = text.slice(paragraphStart, paragraphEnd)
    let from = 0
    for (const to of sentenceEnds(paragraph)) {
      const sentence = paragraph.slice(from, to)
      const start = paragraphStart + from + (sentence.length - sentence.trimStart().length)
      const end = paragraphStart + from + sentence.trimEnd().length
      if (end > start) yield { start, end, terms: placed(text.slice(start, end), start) }
      from = to
    }
    paragraphStart = paragraphEnd
  }
}

function placed(sentence: string, offset: number): Sentence['terms'] {
  return Array.from(termsOf(sentence), term => ({ ...term, start: term.start + offset, end: term.end + offset }))
}

function wrongTerm(text: string, terms: readonly KeyTerm[]): string | undefined {
  const plain = text.replace(/\s+/gu, ' ')
  for (const [index, { term, form, score, count }] of terms.entries()) {
    if (!plain.includes(form)) return `"${form}" does not stand in the text`
    const stems = Array.from(termsOf(form), ({ stem }) => stem).join(' ')
    if (stems !== term) return `"${term}" is not made of the stems of "${form}"`
    if (count > text.length || score > (terms[index - 1]?.score ?? score)) return `"${form}" is out of order`
  }
  return new Set(terms.map(({ term }) => term)).size === terms.length ? undefined : 'a term is named twice'
}

function wrongSentence(text: string, sentences: readonly KeySentence[]): string | undefined {
  const ends = new Map(Array.from(sentencesOf(text), ({ start, end }) => [start, end]))
  let covered = 0
  for (const { start, end } of sentences) {
    if (ends.get(start) !== end || start < covered) return `no sentence stands from ${start} to ${end}`
    covered = end
  }
  return undefined
}

function mergedTerms(terms: readonly KeyTerm[]): KeyTerm[] {
  const merged = new Map<string, KeyTerm>()
  for (const one of terms) {
    const { form = one.form, count = 0, score = 0 } = merged.get(one.term) ?? {}
    merged.set(one.term, { term: one.term, form, count: count + one.count, score: rounded(score + one.score) })
  }
  return [...merged.values()].toSorted((a, b) => b.score - a.score || compare(a.term, b.term))
}

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRuler } from '../../src/text/ruler.ts'
import { isSpace } from '../../src/text/words.ts'
import type { Tokenizer } from '../../src/threads/use-lite/tokenizer.ts'
import { openTokenizer } from '../../src/threads/use-lite/use-lite.ts'

let tokenizer: Tokenizer
beforeAll(async () => {
  tokenizer = await openTokenizer()
})

const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ' ',
        '\r\n',
        '\u00a0',
        '\u3000',
        ' \u0301',
        'energy',
        'neighbourhood',
        'ﷺ',
        '\u00b4',
        '漢字',
        '한',
      ),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 20 },
  )
  .map(pieces => pieces.join(''))

/** A text with two offsets in it, anywhere. */
const stretches = texts.chain(text =>
  fc
    .tuple(fc.nat(text.length), fc.nat(text.length))
    .map(([a, b]) => ({ text, start: Math.min(a, b), end: Math.max(a, b) })),
)

describe('a ruler', () => {
  it('says of any stretch what the counter says of it, be words cut or whole', () => {
    fc.assert(
      fc.property(stretches, ({ text, start, end }) => {
        const ruler = createRuler(text, tokenizer, text.length)
        expect(ruler(start, end)).toBe(tokenizer.count(text.slice(start, end)))
      }),
      { numRuns: 1000 },
    )
  })

  it('counts each word once, however often the text is measured', () => {
    const counted: string[] = []
    const counter = {
      count: () => Number.NaN,
      countWord: (word: string) => counted.push(word) && word.length,
    }
    const ruler = createRuler('one two  three', counter, 100)
    expect([ruler(0, 14), ruler(0, 4), ruler(4, 14), ruler(8, 9)]).toEqual([11, 3, 8, 0])
    expect(counted).toEqual(['one', 'two', 'three'])
  })

  it('leaves a word uncounted that no stretch can hold, and still measures parts of it', () => {
    const counted: string[] = []
    const counter = {
      count: () => Number.NaN,
      countWord: (word: string) => counted.push(word) && word.length,
    }
    const ruler = createRuler(`a ${'x'.repeat(1_000)} b`, counter, 10)
    expect([ruler(2, 12), ruler(990, 1_000), ruler(1_000, 1_004)]).toEqual([10, 10, 3])
    expect(Math.max(...counted.map(word => word.length))).toBe(10)
  })

  it('asks a counter that cannot add up words about every stretch as a whole', () => {
    const ruler = createRuler('one two three', { count: text => text.length }, 100)
    expect([ruler(0, 13), ruler(2, 6)]).toEqual([13, 4])
  })
})

it('white space is what a regular expression takes for it', () => {
  const units = Array.from({ length: 0x10000 }, (_, unit) => unit)
  expect(units.filter(isSpace)).toEqual(units.filter(unit => /\s/u.test(String.fromCharCode(unit))))
})

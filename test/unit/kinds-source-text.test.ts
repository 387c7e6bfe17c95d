import { describe, expect, it } from 'vitest'
import { codeOf } from '../../src/kernel/errors.ts'
import { decodeText } from '../../src/text/source-text.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

function refusal(bytes: Uint8Array, maxBytes?: number): { code: string | undefined; hint: unknown } {
  try {
    decodeText(bytes, 'a.txt', maxBytes)
  } catch (error) {
    return { code: codeOf(error), hint: error instanceof Error && 'hint' in error ? error.hint : undefined }
  }
  return { code: undefined, hint: undefined }
}

describe('decoding a document', () => {
  it('reads UTF-8 and leaves the text as it is', () => {
    expect(decodeText(utf8('Grüße,\r\n\t世界 👋'), 'a.txt')).toEqual({ name: 'a.txt', text: 'Grüße,\r\n\t世界 👋' })
  })

  it.each([
    ['UTF-8', Uint8Array.of(0xef, 0xbb, 0xbf, 0x68, 0x69)],
    ['UTF-16 little-endian', Uint8Array.of(0xff, 0xfe, 0x68, 0, 0x69, 0)],
    ['UTF-16 big-endian', Uint8Array.of(0xfe, 0xff, 0, 0x68, 0, 0x69)],
  ])('drops the byte order mark of %s', (_name, bytes) => {
    expect(decodeText(bytes, 'a.txt').text).toBe('hi')
  })

  it.each([
    ['TEXT_BINARY', 'a NUL byte', utf8('text\0text')],
    ['TEXT_BINARY', 'many control characters', utf8('\x01\x02\x03 a')],
    ['TEXT_BINARY', 'a NUL in UTF-16', Uint8Array.of(0xff, 0xfe, 0x68, 0, 0, 0)],
    ['TEXT_EMPTY', 'no bytes', utf8('')],
    ['TEXT_EMPTY', 'white space alone', utf8(' \n\t\u3000')],
    ['TEXT_ENCODING', 'Latin-1', Uint8Array.of(0x63, 0x61, 0x66, 0xe9)],
    ['TEXT_ENCODING', 'half a UTF-16 pair', Uint8Array.of(0xff, 0xfe, 0x3d, 0xd8)],
  ])('refuses with %s and a hint: %s', (code, _what, bytes) => {
    expect(refusal(bytes)).toEqual({ code, hint: expect.stringMatching(/\w/) })
  })

  it('refuses more bytes than allowed, before it looks at them', () => {
    expect(refusal(utf8('\0'.repeat(11)), 10).code).toBe('TEXT_TOO_LARGE')
    expect(refusal(utf8('abcdefghij'), 10).code).toBeUndefined()
  })

  it('accepts the escape sequences of a coloured log', () => {
    expect(refusal(utf8('\x1b[32minfo\x1b[0m the meter was read without an error\n')).code).toBeUndefined()
  })
})

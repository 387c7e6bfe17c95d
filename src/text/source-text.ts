import { z } from 'zod'
import { CodedError } from '../kernel/errors.ts'

export type TextErrorCode = 'TEXT_BINARY' | 'TEXT_EMPTY' | 'TEXT_ENCODING' | 'TEXT_TOO_LARGE'

/** A document's text: well-formed Unicode, not only white space. Offsets into it are UTF-16 code units. */
export interface SourceText {
  readonly name: string
  readonly text: string
}

export const sourceTextSchema = z.strictObject({ name: z.string(), text: z.string() })

export const maxTextBytes = 32 * 1024 * 1024

/** Text and binary differ from their first lines on; looking at all of 32 MiB would hold up the event loop. */
const sampleUnits = 64 * 1024
/** Escape sequences of a terminal's log stay below this share of control characters, machine code far above. */
const maxControlShare = 0.05

/**
 * Decodes a file's bytes: UTF-8 with or without byte order mark, or UTF-16 with one.
 * @param name for messages, and kept with the text
 * @throws CodedError<TextErrorCode> with a hint
 */
export function decodeText(bytes: Uint8Array, name: string, maxBytes = maxTextBytes): SourceText {
  if (bytes.length > maxBytes) {
    throw textError('TEXT_TOO_LARGE', `${name} has ${bytes.length} bytes, the limit is ${maxBytes}`, {
      hint: 'Split the file into smaller ones.',
    })
  }
  const encoding = encodingOf(bytes)
  if (encoding === 'utf-8' && bytes.includes(0)) throw binary(name)
  const text = decode(bytes, encoding, name)
  if (isBinary(text)) throw binary(name)
  if (!/\S/u.test(text)) {
    throw textError('TEXT_EMPTY', `${name} has no text`, { hint: 'Choose a file with words in it.' })
  }
  return { name, text }
}

function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return 'utf-8'
}

function decode(bytes: Uint8Array, encoding: string, name: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch (cause) {
    throw textError('TEXT_ENCODING', `${name} is not valid ${encoding.toUpperCase()}`, {
      hint: 'Save it as UTF-8, or convert it: iconv -f LATIN1 -t UTF-8 in.txt > out.txt',
      cause,
    })
  }
}

function isBinary(text: string): boolean {
  const sample = text.slice(0, sampleUnits)
  // Tab, the line ends and the form feed are controls too, but white space.
  const controls = sample.match(/(?!\s)\p{Cc}/gu)?.length ?? 0
  return sample.includes('\0') || controls > sample.length * maxControlShare
}

function binary(name: string): CodedError<TextErrorCode> {
  return textError('TEXT_BINARY', `${name} is not a text file`, {
    hint: 'Only plain text can be split and embedded; convert PDF, Office or image files to text first.',
  })
}

function textError(code: TextErrorCode, message: string, more: { hint: string; cause?: unknown }) {
  return new CodedError<TextErrorCode>(code, message, more)
}

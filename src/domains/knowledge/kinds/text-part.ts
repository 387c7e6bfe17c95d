import { z } from 'zod'
import type { DonePart, KindErrorCode } from '../../../daemon/kind.ts'
import { CodedError } from '../../../kernel/errors.ts'
import type { Chunk } from '../../../text/chunker.ts'
import { paragraphEnds } from '../../../text/paragraphs.ts'
import type { SourceText } from '../../../text/source-text.ts'

/** A stretch of a document: whole paragraphs, as long as one paragraph is not too long by itself. */
export interface TextPart {
  readonly text: string
  /** Where the text begins in the document, in UTF-16 code units. */
  readonly offset: number
}

/** Chunk offsets are relative to the part's text. */
export const chunkSchema = z.strictObject({
  start: z.int().min(0),
  end: z.int().min(1),
  tokens: z.int().min(0).max(4096),
})

/** Fewer would make too many chunks for one message; more comes too near to the 128 the model reads. */
export const maxTokensSchema = z.int().min(48).max(120).default(110)

export function textPartSchema(maxBytes: number): z.ZodType<TextPart> {
  return z.strictObject({
    text: z
      .string()
      .min(1)
      .refine(text => Buffer.byteLength(text) <= maxBytes, `more than ${maxBytes} bytes of UTF-8`)
      .refine(text => text.isWellFormed(), 'not well-formed Unicode'),
    offset: z.int().min(0),
  })
}

/**
 * Cuts a document between paragraphs into parts of at most `maxBytes`. A chunk never crosses from one part into the
 * next, so splitting moves chunk borders only there: the chunk before a part's end may be shorter than it would be.
 */
export function* splitText({ text }: SourceText, maxBytes: number): Generator<TextPart, void> {
  let offset = 0
  let end = 0
  let size = 0
  for (const next of paragraphEnds(text)) {
    const added = sizeOf(text.slice(end, next))
    if (size > 0 && size + added > maxBytes) {
      yield { text: text.slice(offset, end), offset }
      offset = end
      size = 0
    }
    size += added
    end = next
  }
  if (offset < text.length) yield { text: text.slice(offset), offset }
}

/** Of a ligature that stands for a sentence (U+FDFA) the model sees 18 letters: they count, for they become tokens. */
function sizeOf(text: string): number {
  return Math.max(Buffer.byteLength(text), text.normalize('NFKC').length)
}

/** The reason why a chunk cannot have that many tokens: a word is at least one; a word's start and a byte at most one each. */
export function implausibleTokens(text: string, { start, end, tokens }: Chunk): string | undefined {
  const own = text.slice(start, end)
  const seen = own.normalize('NFKC')
  const words = seen.match(/\S+/gu)?.length ?? 0
  // Some models see bytes, some the compatibility form, in which one character can become 18.
  const most = words + Math.max(Buffer.byteLength(own), seen.length)
  return tokens < words || tokens > most ? `${tokens} tokens for ${words} words at ${start}` : undefined
}

/** @throws CodedError<'TASK_PARTS_INCOMPLETE'> when a part is missing between two others, or out of order */
export function requireContiguous(parts: readonly DonePart<TextPart, unknown>[]): void {
  let expected = 0
  for (const { input } of parts) {
    if (input.offset !== expected) {
      throw new CodedError<KindErrorCode>('TASK_PARTS_INCOMPLETE', `the part at ${expected} is missing`, {
        details: { expected, found: input.offset },
      })
    }
    expected += input.text.length
  }
}

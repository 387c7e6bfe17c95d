import { z } from 'zod'
import { messageOf } from '../../kernel/errors.ts'
import { canonical, isCanonical } from '../../protocol/canonical.ts'
import { deeperThan } from '../../protocol/decode.ts'
import { MAX_DEPTH } from '../../protocol/limits.ts'
import { a2aError } from './error.ts'

/**
 * A2A is defined over HTTP. Between peers a stream takes HTTP's place, so a request and its answer are each one frame:
 * the canonical JSON of what HTTP would have said. Who asks is not in it, for the connection tells.
 */
export interface RequestFrame {
  readonly method: 'GET' | 'POST'
  /** From the slash on. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface AnswerFrame {
  /** As in HTTP: 200 and above. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What is asked is kept with its task for an hour, so it is held small. */
export const MAX_REQUEST_BYTES = 16 * 1024
export const MAX_ANSWER_BYTES = 64 * 1024

const MAX_HEADERS = 16
const headers = z
  .record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.string().max(256))
  .refine(record => Object.keys(record).length <= MAX_HEADERS, `at most ${MAX_HEADERS} headers`)

const requestSchema = z.strictObject({
  method: z.enum(['GET', 'POST']),
  path: z
    .string()
    .max(256)
    .regex(/^\/[\x21-\x7e]*$/),
  headers,
  body: z.string(),
})
const answerSchema = z.strictObject({ status: z.int().min(200).max(599), headers, body: z.string() })

/** @throws A2A_TOO_LARGE */
export function encodeRequest(frame: RequestFrame): Uint8Array {
  return encode(frame, MAX_REQUEST_BYTES)
}

/** @throws A2A_TOO_LARGE */
export function encodeAnswer(frame: AnswerFrame): Uint8Array {
  return encode(frame, MAX_ANSWER_BYTES)
}

/** @throws A2A_TOO_LARGE, A2A_TOO_DEEP, A2A_UNREADABLE, A2A_FRAME, A2A_NOT_CANONICAL */
export function decodeRequest(bytes: Uint8Array): RequestFrame {
  return decode(bytes, MAX_REQUEST_BYTES, requestSchema)
}

/** @throws A2A_TOO_LARGE, A2A_TOO_DEEP, A2A_UNREADABLE, A2A_FRAME, A2A_NOT_CANONICAL */
export function decodeAnswer(bytes: Uint8Array): AnswerFrame {
  return decode(bytes, MAX_ANSWER_BYTES, answerSchema)
}

function encode(frame: RequestFrame | AnswerFrame, maxBytes: number): Uint8Array {
  const bytes = Buffer.from(canonical(frame))
  if (bytes.byteLength > maxBytes) throw tooLarge(bytes.byteLength, maxBytes)
  return bytes
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Size, depth, JSON, shape, canonical form: the cheap checks first, and one spelling for each frame. */
function decode<Frame extends { body: string }>(bytes: Uint8Array, maxBytes: number, schema: z.ZodType<Frame>): Frame {
  if (bytes.byteLength > maxBytes) throw tooLarge(bytes.byteLength, maxBytes)
  checkDepth(bytes)
  let text: string
  let value: unknown
  try {
    text = utf8.decode(bytes)
    value = JSON.parse(text)
  } catch (error) {
    throw a2aError('A2A_UNREADABLE', `the frame is no JSON: ${messageOf(error)}`, { cause: error })
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw a2aError('A2A_FRAME', z.prettifyError(parsed.error))
  if (!isCanonical(value, text)) throw a2aError('A2A_NOT_CANONICAL', 'the frame is not in canonical form (RFC 8785)')
  // The body is a string to the frame, and JSON to whoever reads it next.
  checkDepth(Buffer.from(parsed.data.body))
  return parsed.data
}

function checkDepth(bytes: Uint8Array): void {
  if (deeperThan(bytes, MAX_DEPTH)) throw a2aError('A2A_TOO_DEEP', `JSON nested deeper than ${MAX_DEPTH}`)
}

function tooLarge(bytes: number, maxBytes: number): Error {
  return a2aError('A2A_TOO_LARGE', `${bytes} bytes, at most ${maxBytes}`, { details: { bytes, maxBytes } })
}

import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { CodedError, codeOf, messageOf } from '../../../kernel/errors.ts'
import { decodeText } from '../../../text/source-text.ts'
import { decodeHtml, htmlText, looksLikeHtml } from './html.ts'
import { looksLikePdf, pdfText } from './pdf.ts'
import type { ReadCode, ReadText } from './read-text.ts'

export interface ReadRequest {
  readonly path: string
  /** For messages. */
  readonly name: string
  /** Of the file when it was read last: with the same content again, nothing more is done. */
  readonly hash: string | undefined
  readonly maxBytes: number
}

export type ReadAnswer =
  | { readonly status: 'unchanged'; readonly hash: string }
  | {
      readonly status: 'read'
      readonly hash: string
      readonly bytes: number
      readonly text: string
      readonly title: string
    }
  /** `lasting`: it is the content, so what was read of the file before is no longer true. */
  | { readonly status: 'unreadable'; readonly code: string; readonly reason: string; readonly lasting: boolean }

const HEAD_BYTES = 8_192
/** Nothing to be done about: pictures lie among documents everywhere. */
const PLAIN: ReadonlySet<string> = new Set(['TEXT_BINARY', 'TEXT_EMPTY'])
const MAX_TITLE = 200

/** Reads a file's words, whatever its format. For a worker thread: parsing a large file takes seconds. */
export async function read(request: ReadRequest): Promise<ReadAnswer> {
  try {
    const bytes = await contentOf(request)
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (hash === request.hash) return { status: 'unchanged', hash }
    const size = bytes.length
    const { text, title } = await wordsOf(bytes, request)
    return { status: 'read', hash, bytes: size, text: clean(text), title: shortened(title) }
  } catch (error) {
    return failed(error, request.name)
  }
}

/** Looks at the beginning first: a film is not read whole to be called binary. */
async function contentOf({ path, name, maxBytes }: ReadRequest): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size > maxBytes) throw tooLarge(name, size, maxBytes)
    const head = await start(file)
    if (!looksLikePdf(head) && !mayBeText(head)) return head
    const content = await readWhole(file, size)
    if (content.length > maxBytes) throw tooLarge(name, content.length, maxBytes)
    return content
  } finally {
    await file.close()
  }
}

async function start(file: FileHandle): Promise<Uint8Array> {
  const buffer = new Uint8Array(HEAD_BYTES)
  const { bytesRead } = await file.read(buffer, 0, HEAD_BYTES, 0)
  return buffer.subarray(0, bytesRead)
}

/** As much as its size said: a file that somebody writes to has no end. */
async function readWhole(file: FileHandle, size: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(size)
  let at = 0
  while (at < size) {
    const { bytesRead } = await file.read(buffer, at, size - at, at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return buffer.subarray(0, at)
}

/** No zero byte, or the mark of UTF-16. */
function mayBeText(head: Uint8Array): boolean {
  const [first, second] = head
  return !head.includes(0) || (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
}

async function wordsOf(bytes: Uint8Array, request: ReadRequest): Promise<ReadText> {
  const { path, name, maxBytes } = request
  if (looksLikePdf(bytes)) return await pdfText(bytes, name)
  const start = new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES))
  if (looksLikeHtml(path, start)) {
    const page = htmlText(decodedHtml(bytes, request))
    if (/\S/u.test(page.text)) return page
    throw new CodedError<ReadCode>('TEXT_EMPTY', `${name} has no text`)
  }
  const { text } = decodeText(bytes, name, maxBytes)
  const [, title = ''] = /\.(?:md|markdown)$/iu.test(path) ? (/^#\s+(.+?)\s*#*$/mu.exec(text) ?? []) : []
  return { text, title }
}

function decodedHtml(bytes: Uint8Array, { name, maxBytes }: ReadRequest): string {
  try {
    return decodeText(bytes, name, maxBytes).text
  } catch (error) {
    if (codeOf(error) !== 'TEXT_ENCODING') throw error
    return decodeHtml(bytes)
  }
}

/** A zero character would end the text for the database, and half a surrogate pair is no Unicode. */
function clean(text: string): string {
  return text.toWellFormed().replaceAll('\0', ' ')
}

function shortened(title: string): string {
  return clean(title).replace(/\s+/gu, ' ').trim().slice(0, MAX_TITLE).toWellFormed()
}

function tooLarge(name: string, size: number, maxBytes: number): CodedError<ReadCode> {
  return new CodedError('TEXT_TOO_LARGE', `${name} has ${size} bytes, the limit is ${maxBytes}`, {
    hint: 'split the file into smaller ones',
  })
}

function failed(error: unknown, name: string): ReadAnswer {
  if (error instanceof CodedError) {
    const reason = error.hint === undefined || PLAIN.has(error.code) ? error.message : `${error.message}; ${error.hint}`
    return { status: 'unreadable', code: error.code, reason, lasting: true }
  }
  // EACCES, ENOENT, EIO: about the disk and its rights, not about the words.
  const system = codeOf(error)
  return {
    status: 'unreadable',
    code: 'READ_FAILED',
    reason: `${name} cannot be read: ${messageOf(error)}`,
    lasting: system === undefined,
  }
}

import { extractText, getDocumentProxy, getMeta } from 'unpdf'
import { CodedError, messageOf } from '../../../kernel/errors.ts'
import type { ReadCode, ReadText } from './read-text.ts'

const MAGIC = '%PDF-'
/** Where the format allows its first line to be. */
const MAGIC_WITHIN = 1_024
const MAX_PAGES = 10_000

export function looksLikePdf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, MAGIC_WITHIN)).includes(MAGIC)
}

/** The text of all pages. @throws CodedError<ReadCode> when it is broken, locked or only pictures */
export async function pdfText(bytes: Uint8Array, name: string): Promise<ReadText> {
  const { pages, title } = await opened(bytes, name)
  const text = pages.join('\n\n')
  if (!/\S/u.test(text)) {
    throw new CodedError<ReadCode>('TEXT_PDF', `${name} has no text, its pages are pictures`, {
      hint: 'let a program that reads scanned pages (OCR) add the text first',
    })
  }
  return { text, title }
}

async function opened(bytes: Uint8Array, name: string): Promise<{ pages: string[]; title: string }> {
  try {
    // It takes the bytes for itself, and leaves an empty array behind. Its warnings go to the console: none.
    const pdf = await getDocumentProxy(bytes, { verbosity: 0 })
    if (pdf.numPages > MAX_PAGES) throw new Error(`${pdf.numPages} pages, the limit is ${MAX_PAGES}`)
    const { text } = await extractText(pdf, { mergePages: false })
    const { info } = await getMeta(pdf)
    const title: unknown = info['Title']
    await pdf.loadingTask.destroy()
    return { pages: text, title: typeof title === 'string' ? title : '' }
  } catch (cause) {
    const locked = cause instanceof Error && cause.name === 'PasswordException'
    throw new CodedError<ReadCode>(
      'TEXT_PDF',
      `${name} ${locked ? 'asks for a password' : `is no readable PDF: ${messageOf(cause)}`}`,
      { hint: locked ? 'save it without one' : 'open it with a PDF program and save it again', cause },
    )
  }
}

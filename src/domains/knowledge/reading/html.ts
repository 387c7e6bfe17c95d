import { convert } from 'html-to-text'
import type { ReadText } from './read-text.ts'

const PLAIN_HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map(selector => ({
  selector,
  options: { uppercase: false },
}))
/** Deeper than any page that a person wrote; what is below is left out instead of overflowing the stack. */
const MAX_DEPTH = 256
const HEAD_BYTES = 1_024
const HEAD_UNITS = 64 * 1024

/** The words of a page as a reader sees them: no scripts, no pictures, links by their text. */
export function htmlText(html: string): ReadText {
  const [, title = ''] = /<title[^>]*>([^<]{1,500})/iu.exec(html.slice(0, HEAD_UNITS)) ?? []
  const text = convert(html, {
    wordwrap: false,
    limits: { maxInputLength: html.length, maxDepth: MAX_DEPTH, ellipsis: '' },
    selectors: [
      { selector: 'img', format: 'skip' },
      { selector: 'a', options: { ignoreHref: true } },
      { selector: 'nav', format: 'skip' },
      { selector: 'title', format: 'skip' },
      ...PLAIN_HEADINGS,
    ],
  })
  return { text: text.trim(), title: convert(title, { wordwrap: false }) }
}

export function looksLikeHtml(path: string, start: string): boolean {
  return /\.x?html?$/iu.test(path) || /^\s*(?:<!doctype html|<html[\s>])/iu.test(start)
}

/**
 * A page that is not UTF-8 in the encoding it names, and in the one browsers take when it names none.
 * @throws RangeError when there is no such encoding
 */
export function decodeHtml(bytes: Uint8Array): string {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, HEAD_BYTES))
  const [, charset = 'windows-1252'] = /<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)/iu.exec(head) ?? []
  return new TextDecoder(charset).decode(bytes)
}

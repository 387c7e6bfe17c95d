/** What `\s` of a regular expression takes for white space beyond U+00A0 and the control characters. */
const wideSpaces: ReadonlySet<number> = new Set(
  '\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'
    .split('')
    .map(space => space.charCodeAt(0)),
)

/** Whether a UTF-16 code unit is white space, as `\s` has it; asked of every unit of a text, so it must be quick. */
export function isSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
  return unit >= 0xa0 && (unit === 0xa0 || (unit >= 0x1680 && wideSpaces.has(unit)))
}

/** Whether a word goes on across an offset. */
export function isInsideWord(text: string, at: number): boolean {
  return at > 0 && at < text.length && !isSpace(text.charCodeAt(at - 1)) && !isSpace(text.charCodeAt(at))
}

/** Where the word at `from` ends; at most `limit`. */
export function wordEnd(text: string, from: number, limit: number): number {
  let end = from
  while (end < limit && !isSpace(text.charCodeAt(end))) end += 1
  return end
}

/** Where the word before `to` starts; at least `limit`. */
export function wordStart(text: string, to: number, limit: number): number {
  let start = to
  while (start > limit && !isSpace(text.charCodeAt(start - 1))) start -= 1
  return start
}

/** HTML that is safe to put into a page: made by `html`, or vouched for by `trusted`. */
export interface Markup {
  readonly markup: string
}

type Piece = string | number | Markup | undefined | readonly Piece[]

/**
 * A template whose holes are escaped, both as text and inside quoted attributes. Names come from other peers, so there
 * is no way to forget it: a bare string cannot become markup.
 */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return { markup: strings.reduce((page, string, i) => page + written(pieces[i - 1]) + string) }
}

/** Markup of our own making, or of a library that escapes for itself. */
export function trusted(markup: string): Markup {
  return { markup }
}

/** JSON for a `<script type="application/json">`: no text in it can end the element. */
export function embedded(value: unknown): Markup {
  return { markup: JSON.stringify(value).replaceAll('<', '\\u003c') }
}

function written(piece: Piece): string {
  if (piece === undefined) return ''
  if (typeof piece === 'string') return escaped(piece)
  if (typeof piece === 'number') return String(piece)
  return 'markup' in piece ? piece.markup : piece.map(written).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => ENTITIES[character] ?? character)
}

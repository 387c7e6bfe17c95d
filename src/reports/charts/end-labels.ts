import { BOTTOM, TOP } from './axes.ts'
import type { Size } from './plot.ts'

const LINE_PX = { wide: 17, narrow: 14 }
const LETTER_PX = { wide: 7.6, narrow: 6.6 }
const LETTERS = { wide: 24, narrow: 11 }

/** A name that stands at the end of a line. */
interface End {
  readonly name: string
  /** How high the line ends: 0 at the bottom of the plot, 1 at its top. */
  readonly share: number
}

export interface Label {
  readonly text: string
  /** How far it stands below the end of its line, so that no two names lie on one another. */
  readonly shiftPx: number
}

/** Room to the right of the plot, in pixels of the drawing. */
export function labelRoom({ name }: Size, ends: readonly End[]): number {
  return 18 + LETTER_PX[name] * Math.max(...ends.map(end => Math.min(end.name.length, LETTERS[name])))
}

/** In the order of `ends`. */
export function placed({ name: size, height }: Size, ends: readonly End[]): Label[] {
  const room = height - TOP - BOTTOM
  const wished = ends.map(({ share }) => TOP + (1 - share) * room)
  const given = spread(wished, { gap: LINE_PX[size], from: TOP, to: height - BOTTOM })
  return ends.map(({ name }, i) => ({ text: cut(name, LETTERS[size]), shiftPx: (given[i] ?? 0) - (wished[i] ?? 0) }))
}

/**
 * Moves heights apart until `gap` lies between them, as little as it takes, in their order and between `from` and `to`.
 * When there is not room enough the upper end gives way.
 */
export function spread(
  wished: readonly number[],
  { gap, from, to }: { gap: number; from: number; to: number },
): number[] {
  const order = wished.map((_, i) => i).toSorted((a, b) => (wished[a] ?? 0) - (wished[b] ?? 0))
  const given = [...wished]
  let least = from
  for (const i of order) {
    given[i] = Math.max(wished[i] ?? 0, least)
    least = given[i] + gap
  }
  let most = to
  for (const i of order.toReversed()) {
    given[i] = Math.min(given[i] ?? 0, most)
    most = given[i] - gap
  }
  return given
}

function cut(name: string, letters: number): string {
  return name.length > letters ? `${name.slice(0, letters - 1)}…` : name
}

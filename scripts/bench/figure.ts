/** One number of the bench. */
export interface Figure {
  /** `part.whatVsPeer` for a ratio, `part.whatUnit` for an absolute. */
  readonly name: string
  readonly value: number
  /** `ratio` figures hold on any machine; the rest say something about this one. */
  readonly unit: 'ratio' | '/s' | 'MB/s' | 'MB' | 'kB' | 'ms' | 'messages'
  /** What it was measured against, or how. */
  readonly against: string
  /** Less is a failure. */
  readonly atLeast?: number
}

/** A part of the bench: measures by itself, within about a minute, and leaves nothing running. */
export interface Part {
  readonly name: string
  run(): Promise<Figure[]>
}

export function fallsShort({ value, atLeast }: Figure): boolean {
  return atLeast !== undefined && !(value >= atLeast)
}

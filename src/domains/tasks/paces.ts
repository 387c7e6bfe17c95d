/** Weight of the newest of measured times. */
const NEWEST = 0.2

/** How long tasks take, of whatever is measured apart: what came last counts most. */
export interface Paces {
  /** undefined: nothing was measured. */
  of(what: string): number | undefined
  took(what: string, tookMs: number): void
}

export function createPaces(paces: Map<string, number>): Paces {
  return {
    of: what => paces.get(what),
    took(what, tookMs) {
      const before = paces.get(what)
      paces.set(what, before === undefined ? tookMs : before + NEWEST * (tookMs - before))
    },
  }
}

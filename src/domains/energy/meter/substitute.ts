import type { Reading } from './reading-chain.ts'

/** Energy of this household's contracts for a slot, in Wh. */
export interface Traded {
  readonly boughtWh: number
  readonly soldWh: number
}

/** How many former days speak for a slot that was not metered. */
export const FORMER_DAYS = 7

/**
 * What stands in for a reading that never came: what was traded, as far as the same slot of former days lets one
 * believe it. `former` are readings of that slot on the last days; the middle one of those measured is the limit, so
 * that one strange day changes little. Who has no measured day to show gets 0: a silent meter must never earn more
 * than one that speaks. Net, like every reading.
 */
export function substituteFor(
  traded: Traded,
  former: readonly Pick<Reading, 'importWh' | 'exportWh' | 'quality'>[],
): { readonly importWh: number; readonly exportWh: number } {
  const measured = former.filter(({ quality }) => quality === 'OK')
  const inWh = Math.min(traded.boughtWh, median(measured.map(({ importWh }) => importWh)))
  const outWh = Math.min(traded.soldWh, median(measured.map(({ exportWh }) => exportWh)))
  return { importWh: Math.max(0, inWh - outWh), exportWh: Math.max(0, outWh - inWh) }
}

/** The middle one; of an even number, the smaller of the two in the middle. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0
}

/**
 * A decimal back to the integer it was made from by dividing by `scale`; undefined when it never was one. A double near
 * 2^53 / scale is off by up to a thousandth of a step, so that much is forgiven.
 */
export function wholeOf(value: unknown, scale: number): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  const scaled = Math.round(value * scale)
  return Number.isSafeInteger(scaled) && scaled >= 0 && Math.abs(value * scale - scaled) < 1e-3 ? scaled : undefined
}

const LEVELS = '▁▂▃▄▅▆▇█'

/** A line of small bars from `least` to `most`, the newest on the right; of many values, the last of each group. */
export function sparkline(
  values: readonly number[],
  { least, most, width }: { least: number; most: number; width: number },
): string {
  const group = Math.max(1, Math.ceil(values.length / width))
  const shown = values.filter((_, i) => (values.length - 1 - i) % group === 0)
  const range = most - least
  return shown
    .map(value => {
      const share = range <= 0 ? 0 : (value - least) / range
      return LEVELS[Math.max(0, Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length)))]
    })
    .join('')
}

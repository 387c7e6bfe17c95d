/** Does some work, a few milliseconds to a second of it, and returns how much: operations, bytes. */
export type Burst = () => number | Promise<number>

export interface Race<Name extends string> {
  /** Median rate of one contender, units a second. */
  rate(name: Name): number
  /** Median over the rounds of `name`'s rate as a share of `peer`'s rate in the same round. */
  ratio(name: Name, peer: Name): number
}

export interface RaceLength {
  readonly rounds: number
  /** What each contender gets in a round. */
  readonly roundMs: number
}

/**
 * Runs the contenders in turns. Other programs use the machine meanwhile, so no absolute can be trusted: what stands
 * side by side in one short round is compared, the order turns round each time, and the median drops disturbed rounds.
 */
export async function race<Name extends string>(
  contenders: Readonly<Record<Name, Burst>>,
  { rounds, roundMs }: RaceLength,
): Promise<Race<Name>> {
  const names = Object.keys(contenders) as Name[]
  const rates = new Map<Name, number[]>(names.map(name => [name, []]))
  for (const name of names) await rateOf(contenders[name], roundMs)
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      rates.get(name)?.push(await rateOf(contenders[name], roundMs))
    }
  }
  const of = (name: Name): readonly number[] => rates.get(name) ?? []
  return {
    rate: name => median(of(name)),
    ratio: (name, peer) => median(of(name).map((rate, round) => rate / (of(peer)[round] ?? Number.NaN))),
  }
}

/** Units a second of bursts repeated for at least `durationMs`. */
export async function rateOf(burst: Burst, durationMs: number): Promise<number> {
  const startMs = performance.now()
  let units = 0
  let elapsedMs = 0
  while (elapsedMs < durationMs) {
    const done = burst()
    units += typeof done === 'number' ? done : await done
    elapsedMs = performance.now() - startMs
  }
  return (units / elapsedMs) * 1000
}

/** Starts `lanes` loops of `each` calls side by side; how many calls that were. */
export async function inParallel(lanes: number, each: number, call: () => Promise<unknown>): Promise<number> {
  const lane = async (): Promise<void> => {
    for (let i = 0; i < each; i++) await call()
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return lanes * each
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/** The nearest-rank percentile; NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

import { type Random, seededRandom, shuffled } from '../../kernel/random.ts'

export interface Kill {
  readonly name: string
  /** After the start of the scenario. */
  readonly atMs: number
  readonly backAfterMs: number
}

/** Who is killed when, and when it comes back: the same for the same seed. Everybody is back before the end. */
export function killPlan(
  names: readonly string[],
  options: { share: number; durationMs: number; seed: number },
): Kill[] {
  const random: Random = seededRandom(options.seed)
  const count = options.share === 0 ? 0 : Math.max(1, Math.round(names.length * options.share))
  return shuffled(names, random)
    .slice(0, count)
    .map(name => ({
      name,
      atMs: Math.round(options.durationMs * (0.15 + 0.45 * random())),
      backAfterMs: Math.round(Math.min(10_000, options.durationMs * (0.05 + 0.1 * random()))),
    }))
    .sort((a, b) => a.atMs - b.atMs)
}

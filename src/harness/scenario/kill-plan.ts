import { type Random, seededRandom, shuffled } from '../../kernel/random.ts'

/** A peer that dies, and how long it stays dead. */
export interface Victim {
  readonly name: string
  readonly backAfterMs: number
}

export interface Kill extends Victim {
  /** After the start of the scenario. */
  readonly atMs: number
}

/** A kill that waits for work: somebody dies when so much is done, and while it holds some. */
export interface WorkerKill extends Omit<Victim, 'name'> {
  readonly atDoneShare: number
}

/** A kill that happened. */
export interface Death {
  readonly name: string
  readonly peerId: string
  readonly atMs: number
}

/** Who is killed when, and when it comes back: the same for the same seed. Everybody is back before the end. */
export function killPlan(
  names: readonly string[],
  options: { share: number; durationMs: number; seed: number },
): Kill[] {
  const random: Random = seededRandom(options.seed)
  return victims(names, options.share, random)
    .map(name => ({
      name,
      atMs: Math.round(options.durationMs * (0.15 + 0.45 * random())),
      backAfterMs: Math.round(Math.min(10_000, options.durationMs * (0.05 + 0.1 * random()))),
    }))
    .sort((a, b) => a.atMs - b.atMs)
}

/**
 * The same for peers that compute, by what is done instead of by time, for nobody knows how long the work takes. `order`:
 * the first of these that lives and holds work is the one; who was caught lying, say, holds none.
 */
export function workerKills(
  names: readonly string[],
  { share, seed }: { share: number; seed: number },
): { order: readonly string[]; kills: readonly WorkerKill[] } {
  const random: Random = seededRandom(seed)
  const order = shuffled(names, random)
  const kills = Array.from({ length: countOf(names, share) }, () => ({
    atDoneShare: 0.15 + 0.45 * random(),
    backAfterMs: Math.round(2_000 + 4_000 * random()),
  }))
  return { order, kills: kills.sort((a, b) => a.atDoneShare - b.atDoneShare) }
}

function victims(names: readonly string[], share: number, random: Random): string[] {
  return shuffled(names, random).slice(0, countOf(names, share))
}

function countOf(names: readonly string[], share: number): number {
  return share === 0 ? 0 : Math.max(1, Math.round(names.length * share))
}

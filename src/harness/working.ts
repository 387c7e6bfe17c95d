import type { News } from '../api/news.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Daemon } from './fleet/daemon.ts'
import { type Load, progressOf } from './load.ts'
import type { Observer } from './observer.ts'
import { createProgressLine } from './progress.ts'
import { workerKills } from './scenario/kill-plan.ts'
import type { Storm } from './storm.ts'
import type { View } from './view.ts'

export interface Working {
  readonly load: Load
  readonly daemons: readonly Daemon[]
  /** Names of the peers that may be killed, and the share of them that is. */
  readonly workers: readonly string[]
  readonly killShare: number
  readonly seed: number
  readonly observer: Observer
  readonly storm: Storm
}

const PATIENCE = { leastMs: 300, mostMs: 1_000 }
/** The observer asks every daemon several things: not as often. */
const LOOKS_AN_OBSERVATION = 6
/** Whoever is slower than that does not get done; the report tells. */
const START_MS = 120_000
const LEAST_TASKS_A_SECOND = 10

/** Until the work is done, or it takes too long; some who hold a part of it are killed on the way. */
export async function worked(
  { load, daemons, workers, killShare, seed, observer, storm }: Working,
  { view, clock, signal, news }: { view: View; clock: Clock; signal: AbortSignal; news: News },
): Promise<void> {
  const fromMs = clock.now()
  const limitMs = START_MS + (load.total * 1000) / LEAST_TASKS_A_SECOND
  const line = createProgressLine(load.total)
  const hunt = createHunt(workerKills(workers, { share: killShare, seed }), daemons, storm)
  let tenths = 0
  for (let looks = 0; clock.now() - fromMs < limitMs && !signal.aborted; looks++) {
    if (looks % LOOKS_AN_OBSERVATION === 0) await observer.look()
    const { counts, holders, over } = await progressOf(load)
    const doneShare = (counts['done'] ?? 0) / load.total
    const said = line.at(counts['done'] ?? 0, clock.now())
    view.show(said, observer.rows())
    if (Math.floor(10 * doneShare) > tenths) view.note(said)
    tenths = Math.floor(10 * doneShare)
    if (over) break
    hunt(doneShare, holders)
    await news.next(PATIENCE)
  }
  await storm.over()
}

/** Strikes as soon as a kill is due and somebody who was not struck before holds a part. */
function createHunt(
  { order, kills }: ReturnType<typeof workerKills>,
  daemons: readonly Daemon[],
  storm: Storm,
): (doneShare: number, holders: ReadonlySet<string>) => void {
  const waiting = [...kills]
  const struck = new Set<string>()
  return (doneShare, holders) => {
    const [next] = waiting
    if (next === undefined || next.atDoneShare > doneShare) return
    const holds = (name: string): boolean =>
      daemons.some(({ plan, alive, ready }) => plan.name === name && alive && holders.has(ready().peerId))
    const name = order.find(one => !struck.has(one) && holds(one))
    if (name === undefined) return
    waiting.shift()
    struck.add(name)
    storm.strike({ name, backAfterMs: next.backAfterMs })
  }
}

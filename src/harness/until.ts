import type { News } from '../api/news.ts'
import { daemonCommands } from '../daemon/commands.ts'
import { tasksCommands } from '../domains/tasks/commands.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Daemon } from './fleet/daemon.ts'
import type { Observer } from './observer.ts'
import type { View } from './view.ts'

const DISCOVERY_MS = 60_000
const SETTLE_MS = 120_000
/** Every look asks every daemon. */
const PATIENCE = { leastMs: 100, mostMs: 1_000 }

interface Watch {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly view: View
  readonly news: News
}

/** Until everybody knows everybody; the seconds it took. */
export async function discovered(observer: Observer, { clock, signal, view, news }: Watch): Promise<number> {
  const from = clock.now()
  while (clock.now() - from < DISCOVERY_MS && !signal.aborted) {
    await observer.look()
    const rows = observer.rows()
    view.show('Finding each other …', rows)
    if (observer.knownMin() >= rows.length - 1) break
    await news.next(PATIENCE)
  }
  return (clock.now() - from) / 1000
}

/** Until nothing is open any more, or it takes too long: then the report tells. */
export async function settled(
  daemons: readonly Daemon[],
  { clock, signal, view, news, observer }: Watch & { observer: Observer },
): Promise<void> {
  const from = clock.now()
  while (clock.now() - from < SETTLE_MS && !signal.aborted) {
    const open = await Promise.all(daemons.map(openThings))
    const left = open.reduce((sum, count) => sum + count, 0)
    if (left === 0) return
    await observer.look()
    view.show(`${left} trades, deliveries and tasks are still open …`, observer.rows())
    await news.next(PATIENCE)
  }
}

/** An agreed trade is open until both sides have settled what was delivered. */
const OPEN_TRADES = ['selecting', 'quoted', 'reserved', 'confirming', 'active']
const OPEN_NEEDS = ['searching', 'trading']

async function openThings(daemon: Daemon): Promise<number> {
  const { trading } = await daemon.client().of(daemonCommands).status()
  const jobs = await daemon.client().of(tasksCommands).jobs({ limit: 100 })
  const trades = OPEN_TRADES.map(state => trading.trades[state] ?? 0)
  const needs = OPEN_NEEDS.map(state => trading.needs[state] ?? 0)
  return [...trades, ...needs, jobs.filter(job => job.state === 'running').length].reduce((sum, n) => sum + n, 0)
}

import { daemonCommands, type StatusAnswer } from '../daemon/commands.ts'
import { type TradeAnswer, tradingCommands } from '../domains/trading/commands.ts'
import type { Daemon } from './fleet/daemon.ts'
import type { Counters } from './judge/report.ts'
import type { LiveRow } from './view.ts'

interface Seen {
  row: LiveRow
  known: number
  counters: Record<string, number>
  /** Of earlier lives of the process: its counters began anew. */
  before: Record<string, number>
  startedMs: number
}

/** Looks at every daemon now and then, and remembers what a killed one had counted. */
export interface Observer {
  look(): Promise<void>
  rows(): LiveRow[]
  knownMin(): number
  counters(): Counters
}

const CAPACITY = 'household.capacityWh'

export function createObserver(
  daemons: readonly Daemon[],
  roles: ReadonlyMap<string, { roles: string; options: Readonly<Record<string, unknown>> }>,
): Observer {
  const seen = new Map<string, Seen>(
    daemons.map(({ plan: { name } }) => [
      name,
      { row: blank(name, roles.get(name)?.roles ?? ''), known: 0, counters: {}, before: {}, startedMs: 0 },
    ]),
  )

  async function lookAt(daemon: Daemon): Promise<void> {
    const mine = seen.get(daemon.plan.name)
    if (mine === undefined) return
    if (!daemon.alive) {
      mine.row = { ...mine.row, state: mine.startedMs === 0 ? 'starting' : 'killed', peers: 0 }
      return
    }
    try {
      await note(mine, daemon)
    } catch {
      // It is being killed, or just was: the next look tells.
    }
  }

  async function note(mine: Seen, { plan, client }: Daemon): Promise<void> {
    const [status, counters, trades] = await Promise.all([
      client().of(daemonCommands).status(),
      client().of(daemonCommands).counters(),
      client().of(tradingCommands).trades({ limit: 10_000 }),
    ])
    if (mine.startedMs !== 0 && status.startedMs !== mine.startedMs) mine.before = sum(mine.before, mine.counters)
    Object.assign(mine, { startedMs: status.startedMs, counters, known: status.peers.known })
    mine.row = liveRow(mine.row, status, trades, Number(roles.get(plan.name)?.options[CAPACITY] ?? 0))
  }

  return {
    look: async () => void (await Promise.all(daemons.map(lookAt))),
    rows: () => [...seen.values()].map(({ row }) => row),
    knownMin: () => Math.min(...[...seen.values()].map(({ known }) => known)),
    counters() {
      const all = [...seen.values()].reduce<Record<string, number>>(
        (total, { counters, before }) => sum(total, sum(counters, before)),
        {},
      )
      const of = (name: string): number => all[`messages_${name}_total`] ?? 0
      return {
        signed: of('signed'),
        verified: of('verified'),
        rejected: of('rejected'),
        deadLettered: of('dead_lettered'),
      }
    },
  }
}

function blank(name: string, roles: string): LiveRow {
  return { name, state: 'starting', roles, peers: 0, bought: 0, sold: 0, tasks: 0, note: '' }
}

function liveRow(row: LiveRow, status: StatusAnswer, trades: readonly TradeAnswer[], capacityWh: number): LiveRow {
  const agreed = (role: string): number =>
    trades.filter(trade => trade.role === role && trade.state === 'active').length
  const { household } = status
  return {
    ...row,
    state: 'up',
    peers: status.peers.connected,
    bought: agreed('buyer'),
    sold: agreed('seller'),
    tasks: status.work.open,
    note: household?.reason ?? '',
    ...(household === undefined || capacityWh === 0 ? {} : { socPercent: (100 * household.socWh) / capacityWh }),
  }
}

function sum(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map(key => [key, (a[key] ?? 0) + (b[key] ?? 0)]),
  )
}

import type { Client } from '../../api/client.ts'
import { withNews } from '../../api/news.ts'
import { type JobAnswer, type JobProgressAnswer, tasksCommands } from '../../domains/tasks/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { createLive } from '../terminal/live.ts'
import { plainText } from '../terminal/table.ts'
import { duration, shortPeer } from '../terminal/units.ts'

interface Look {
  readonly atMs: number
  readonly done: number
}

interface Pace {
  readonly sinceMs: number
  readonly doneSince: number
}

/** Drawn no more often, however much is told, and now and then though nothing is: a rate changes with time alone. */
const PATIENCE = { leastMs: 150, mostMs: 1_000 }
const BAR_WIDTH = 30
/** The rate is that of the last ten seconds. */
const WINDOW_MS = 10_000
const OPEN = new Set(['opening', 'waiting', 'running'])

export function isOpen({ state }: Pick<JobAnswer, 'state'>): boolean {
  return OPEN.has(state)
}

/** Shows how far a job is until it ends or the signal comes. */
export async function followJob(
  id: string,
  how: { client: Client; stream: NodeJS.WriteStream; signal: AbortSignal; perPeer?: boolean },
): Promise<JobProgressAnswer> {
  const { client, stream, signal, perPeer = false } = how
  // Where nothing is redrawn, a line when another tenth is done.
  const live = createLive(stream, line => /(\d*)\d %/.exec(line)?.[1] ?? '')
  const look = () => client.of(tasksCommands).progress({ id })
  const looks: Look[] = []
  function show(job: JobProgressAnswer): void {
    looks.push({ atMs: systemClock.now(), done: doneOf(job) })
    while (looks.length > 2 && systemClock.now() - (looks[0]?.atMs ?? 0) > WINDOW_MS) looks.shift()
    live.show([progressLine(job, paceOf(looks)), ...(perPeer ? peerLines(job) : [])].join('\n'))
  }
  const job = await withNews(client, signal, async news => {
    for (;;) {
      const now = await look()
      show(now)
      if (!isOpen(now) || signal.aborted) return now
      await news.next(PATIENCE)
    }
  })
  live.done()
  return job
}

export function progressLine(
  job: Pick<JobProgressAnswer, 'state' | 'counts' | 'total' | 'after' | 'reason'>,
  measured: Pace,
): string {
  if (job.state === 'opening') return 'the texts are being split'
  if (job.state === 'waiting') return `waits for ${job.after.join(', ')}`
  const done = doneOf(job)
  const share = job.total === 0 ? 1 : done / job.total
  const full = Math.round(share * BAR_WIDTH)
  const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full)
  const why = job.state === 'running' && job.reason !== undefined ? `  ${plainText(job.reason)}` : ''
  return `${bar} ${Math.floor(share * 100)} %  ${done} of ${job.total} parts${pace(job.total - done, measured)}${why}`
}

/** What was measured, and nothing before there is something to measure. */
function pace(left: number, { sinceMs, doneSince }: Pace): string {
  if (doneSince <= 0 || sinceMs === 0) return ''
  const rate = `  ${((doneSince / sinceMs) * 1000).toFixed(1)} parts/s`
  return left === 0 ? rate : `${rate}  ${duration((left / doneSince) * sinceMs)} left`
}

function paceOf(looks: readonly Look[]): Pace {
  const [first, last] = [looks[0], looks.at(-1)]
  if (first === undefined || last === undefined) return { sinceMs: 0, doneSince: 0 }
  return { sinceMs: last.atMs - first.atMs, doneSince: last.done - first.done }
}

function peerLines({ workers }: JobProgressAnswer): string[] {
  return workers
    .toSorted((a, b) => b.done - a.done)
    .map(({ peer, done, leased }) => `  ${shortPeer(peer)}  ${done} done${leased > 0 ? `, has ${leased}` : ''}`)
}

function doneOf({ counts }: Pick<JobProgressAnswer, 'counts'>): number {
  return counts['done'] ?? 0
}

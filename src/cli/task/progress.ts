import type { Client } from '../../api/client.ts'
import type { Job, JobDocument, Task } from '../../domains/tasks/task.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { createLive } from '../terminal/live.ts'
import { plainText } from '../terminal/table.ts'
import { duration, shortPeer } from '../terminal/units.ts'

/** `GET /v1/jobs/:id/progress`: a few numbers, however many parts a job has. */
export interface JobProgress extends Job {
  /** How many parts are in each state. */
  readonly counts: Readonly<Record<string, number>>
  readonly workers: readonly { readonly peer: PeerId; readonly done: number; readonly leased: number }[]
}

/** `GET /v1/jobs/:id?limit=…&offset=…`: the same with a page of parts. */
export interface JobView extends JobProgress {
  readonly documents: readonly JobDocument[]
  /** How many parts were tried more than once. */
  readonly retried: number
  readonly parts: readonly Task[]
}

interface Look {
  readonly atMs: number
  readonly done: number
}

interface Pace {
  readonly sinceMs: number
  readonly doneSince: number
}

const LOOK_MS = 300
const BAR_WIDTH = 30
/** The rate is that of the last so many looks: some ten seconds. */
const WINDOW = 32
const OPEN = new Set(['opening', 'waiting', 'running'])

export function isOpen({ state }: Pick<Job, 'state'>): boolean {
  return OPEN.has(state)
}

/** Shows how far a job is until it ends or the signal comes. */
export async function followJob(
  id: string,
  how: { client: Client; stream: NodeJS.WriteStream; signal: AbortSignal; perPeer?: boolean },
): Promise<JobProgress> {
  const { client, stream, signal, perPeer = false } = how
  // Where nothing is redrawn, a line when another tenth is done.
  const live = createLive(stream, line => /(\d*)\d %/.exec(line)?.[1] ?? '')
  const path = `/v1/jobs/${encodeURIComponent(id)}/progress`
  const looks: Look[] = []
  let job = await client.get<JobProgress>(path)
  for (;;) {
    looks.push({ atMs: systemClock.now(), done: doneOf(job) })
    if (looks.length > WINDOW) looks.shift()
    live.show([progressLine(job, paceOf(looks)), ...(perPeer ? peerLines(job) : [])].join('\n'))
    if (!isOpen(job) || signal.aborted) break
    await systemClock.sleep(LOOK_MS, signal)
    job = await client.get<JobProgress>(path)
  }
  live.done()
  return job
}

export function progressLine(
  job: Pick<JobProgress, 'state' | 'counts' | 'total' | 'after' | 'reason'>,
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

function peerLines({ workers }: JobProgress): string[] {
  return workers
    .toSorted((a, b) => b.done - a.done)
    .map(({ peer, done, leased }) => `  ${shortPeer(peer)}  ${done} done${leased > 0 ? `, has ${leased}` : ''}`)
}

function doneOf({ counts }: Pick<JobProgress, 'counts'>): number {
  return counts['done'] ?? 0
}

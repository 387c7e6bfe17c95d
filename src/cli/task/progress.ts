import type { Client } from '../../api/client.ts'
import type { Commands } from '../../commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { createLive } from '../terminal/live.ts'
import { duration } from '../terminal/units.ts'

export type JobView = NonNullable<ReturnType<Commands['job']>>

const LOOK_MS = 300
const BAR_WIDTH = 30

/** Shows how far a job is until it ends or the signal comes. */
export async function followJob(
  id: string,
  { client, stream, signal }: { client: Client; stream: NodeJS.WriteStream; signal: AbortSignal },
): Promise<JobView> {
  // Where nothing is redrawn, a line when another tenth is done.
  const live = createLive(stream, line => /(\d*)\d %/.exec(line)?.[1] ?? '')
  const beganMs = systemClock.now()
  let job = await client.get<JobView>(`/v1/jobs/${id}`)
  const doneBefore = doneOf(job)
  for (;;) {
    live.show(progressLine(job, { sinceMs: systemClock.now() - beganMs, doneSince: doneOf(job) - doneBefore }))
    if (job.state !== 'running' || signal.aborted) break
    await systemClock.sleep(LOOK_MS, signal)
    job = await client.get<JobView>(`/v1/jobs/${id}`)
  }
  live.done()
  return job
}

export function progressLine(job: JobView, { sinceMs, doneSince }: { sinceMs: number; doneSince: number }): string {
  const done = doneOf(job)
  const share = job.total === 0 ? 1 : done / job.total
  const full = Math.round(share * BAR_WIDTH)
  const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full)
  return `${bar} ${Math.floor(share * 100)} %  ${done} of ${job.total} parts${pace(job.total - done, sinceMs, doneSince)}`
}

/** What was measured, and nothing before there is something to measure. */
function pace(left: number, sinceMs: number, doneSince: number): string {
  if (doneSince === 0 || sinceMs === 0) return ''
  const rate = `  ${((doneSince / sinceMs) * 1000).toFixed(1)} parts/s`
  return left === 0 ? rate : `${rate}  ${duration((left / doneSince) * sinceMs)} left`
}

function doneOf({ counts }: JobView): number {
  return counts['done'] ?? 0
}

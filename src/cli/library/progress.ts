import type { Client } from '../../api/client.ts'
import { withNews } from '../../api/news.ts'
import { type IngestJobAnswer, knowledgeCommands } from '../../domains/knowledge/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { createLive } from '../terminal/live.ts'
import { duration } from '../terminal/units.ts'

/** Finding files, and the end, are told by nobody. */
const PATIENCE = { leastMs: 100, mostMs: 300 }
const BAR_WIDTH = 30

export function isOver({ state }: IngestJobAnswer): boolean {
  return state !== 'waiting' && state !== 'running'
}

/** Shows how far reading is until it ends or the signal comes. */
export async function followIngest(
  id: string,
  { client, stream, signal }: { client: Client; stream: NodeJS.WriteStream; signal: AbortSignal },
): Promise<IngestJobAnswer> {
  // Where nothing is redrawn, a line when another tenth is done.
  const live = createLive(stream, line => /(\d*)\d %/.exec(line)?.[1] ?? '')
  const beganMs = systemClock.now()
  const look = () => client.of(knowledgeCommands).reading({ id })
  const job = await withNews(client, signal, async news => {
    for (;;) {
      const now = await look()
      live.show(ingestLine(now, systemClock.now() - beganMs))
      if (isOver(now) || signal.aborted) return now
      await news.next(PATIENCE)
    }
  })
  live.done()
  return job
}

export function ingestLine(job: IngestJobAnswer, tookMs: number): string {
  if (job.state === 'waiting') return 'waiting for an earlier reading'
  if (job.state === 'running' && job.files === 0) return 'looking for files …'
  // Bytes, not files, are what takes time.
  const share = job.bytes === 0 ? 1 : job.doneBytes / job.bytes
  const bar = progressBar(share)
  return `${bar}  ${job.done} of ${job.files} files  ${job.passages} passages${pace(job, share, tookMs)}`
}

export function progressBar(share: number): string {
  const full = Math.round(share * BAR_WIDTH)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${Math.floor(share * 100)} %`
}

/** What was measured, and nothing before there is something to measure. */
function pace({ passages, state }: IngestJobAnswer, share: number, tookMs: number): string {
  if (passages === 0 || tookMs === 0) return ''
  const rate = `  ${((passages / tookMs) * 1000).toFixed(1)} passages/s`
  return state !== 'running' || share === 0 ? rate : `${rate}  ${duration(tookMs / share - tookMs)} left`
}

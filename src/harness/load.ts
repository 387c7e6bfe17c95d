import { CodedError } from '../kernel/errors.ts'
import { seededRandom, shuffled } from '../kernel/random.ts'
import type { Daemon } from './fleet/daemon.ts'
import type { SourceDocument } from './scenario/work.ts'
import type { View } from './view.ts'

/** The job a scenario gives the network: texts of one peer, worked on by the others. */
export interface Load {
  readonly jobId: string
  readonly submitter: Daemon
  readonly total: number
}

/** The job goes to the first peer that does not compute: its work must travel. */
export async function submitLoad(
  daemons: readonly Daemon[],
  documents: readonly SourceDocument[],
  { kind, view }: { kind: 'embed' | 'chunk'; view: View },
): Promise<Load | undefined> {
  if (documents.length === 0) return undefined
  const submitter = submitterOf(daemons)
  const job = await submitter
    .client()
    .post<{ id: string; total: number }>('/v1/jobs', { kind, params: { maxTokens: 110 }, documents })
  const what = kind === 'embed' ? 'chunk and embed' : 'chunk'
  view.say(`${submitter.plan.name} asks the neighbours to ${what} ${documents.length} texts: ${job.total} parts.`)
  return { jobId: job.id, submitter, total: job.total }
}

function submitterOf(daemons: readonly Daemon[]): Daemon {
  const found = daemons.find(({ plan }) => !plan.command.some(word => word.includes('compute'))) ?? daemons[0]
  if (found === undefined) throw new CodedError('HARNESS_EMPTY', 'a network without peers has nobody to ask')
  return found
}

/** A peer that holds a part of the job just now, once a tenth is done. */
export async function workerOf(
  { jobId, submitter }: Load,
  daemons: readonly Daemon[],
  seed: number,
): Promise<string | undefined> {
  // Killed itself just now: the hunt goes on when it is back.
  if (!submitter.alive) return undefined
  const job = await submitter
    .client()
    .get<{ total: number; counts: Record<string, number>; parts: { state: string; worker?: string }[] }>(
      `/v1/jobs/${jobId}`,
    )
  if ((job.counts['done'] ?? 0) < job.total / 10) return undefined
  const holders = new Set(job.parts.filter(part => part.state === 'leased').map(part => part.worker))
  const candidates = daemons.filter(daemon => daemon.alive && holders.has(daemon.ready().peerId))
  return shuffled(candidates, seededRandom(seed))[0]?.plan.name
}

/** Chunks in the finished result. */
export async function chunksOf({ jobId, submitter }: Load): Promise<number> {
  const client = submitter.client()
  const job = await client.get<{ state: string }>(`/v1/jobs/${jobId}`)
  if (job.state !== 'done') return 0
  const result = await client.get<{ result: { chunks: unknown[] } }[]>(`/v1/jobs/${jobId}/result`)
  return result.reduce((sum, { result: { chunks } }) => sum + chunks.length, 0)
}

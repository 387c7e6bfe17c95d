import { type ResultEntryAnswer, tasksCommands } from '../domains/tasks/commands.ts'
import { CodedError } from '../kernel/errors.ts'
import { seededRandom, shuffled } from '../kernel/random.ts'
import type { Daemon } from './fleet/daemon.ts'
import type { SourceDocument } from './scenario/work.ts'
import type { View } from './view.ts'

/** What a scenario gives the network to do: texts of one peer, worked on by the others. */
export interface Load {
  readonly jobs: readonly LoadJob[]
  readonly submitter: Daemon
  /** Parts of all jobs. */
  readonly total: number
}

export interface LoadJob {
  readonly id: string
  readonly params: LoadParams
  /** Its texts, in the order of its result. */
  readonly documents: readonly SourceDocument[]
}

interface LoadParams {
  readonly maxTokens: number
}

/** How far the load is, however many parts it has. */
export interface LoadProgress {
  /** Parts in each state. */
  readonly counts: Readonly<Record<string, number>>
  /** Peers that hold parts now. */
  readonly holders: ReadonlySet<string>
  /** Whether every job came to an end. */
  readonly over: boolean
}

const PARAMS: LoadParams = { maxTokens: 110 }
/** A few jobs, not one: a request has a bound. */
const TEXTS_A_JOB = 2_000
const ENDED = new Set(['done', 'failed', 'cancelled', 'expired'])

/** The work goes to the first peer that does not compute: it must travel. */
export async function submitLoad(
  daemons: readonly Daemon[],
  documents: readonly SourceDocument[],
  { kind, view }: { kind: 'embed' | 'chunk'; view: View },
): Promise<Load | undefined> {
  if (documents.length === 0) return undefined
  const submitter = submitterOf(daemons)
  const jobs: LoadJob[] = []
  let total = 0
  for (let from = 0; from < documents.length; from += TEXTS_A_JOB) {
    const some = documents.slice(from, from + TEXTS_A_JOB)
    const job = await submitter
      .client()
      .of(tasksCommands)
      .submit({ kind, params: { ...PARAMS }, documents: some, privacy: 'public' })
    jobs.push({ id: job.id, params: PARAMS, documents: some })
    total += job.total
  }
  const what = kind === 'embed' ? 'chunk and embed' : 'chunk'
  view.say(`${submitter.plan.name} asks the neighbours to ${what} ${documents.length} texts: ${total} parts.`)
  return { jobs, submitter, total }
}

function submitterOf(daemons: readonly Daemon[]): Daemon {
  const found = daemons.find(({ plan }) => !plan.command.some(word => word.includes('compute'))) ?? daemons[0]
  if (found === undefined) throw new CodedError('HARNESS_EMPTY', 'a network without peers has nobody to ask')
  return found
}

export async function progressOf({ jobs, submitter }: Load): Promise<LoadProgress> {
  const seen = await Promise.all(jobs.map(({ id }) => submitter.client().of(tasksCommands).progress({ id })))
  const counts: Record<string, number> = {}
  for (const job of seen) {
    for (const [state, count] of Object.entries(job.counts)) counts[state] = (counts[state] ?? 0) + count
  }
  const holders = seen.flatMap(({ workers }) => workers.filter(({ leased }) => leased > 0).map(({ peer }) => peer))
  return { counts, holders: new Set(holders), over: seen.every(({ state }) => ENDED.has(state)) }
}

/** A peer that holds a part of the load just now, once a tenth is done. */
export async function workerOf(load: Load, daemons: readonly Daemon[], seed: number): Promise<string | undefined> {
  // Killed itself just now: the hunt goes on when it is back.
  if (!load.submitter.alive) return undefined
  const progress = await progressOf(load)
  if ((progress.counts['done'] ?? 0) < load.total / 10) return undefined
  const candidates = daemons.filter(daemon => daemon.alive && progress.holders.has(daemon.ready().peerId))
  return shuffled(candidates, seededRandom(seed))[0]?.plan.name
}

/** Chunks in the finished results. */
export async function chunksOf(load: Load): Promise<number> {
  let chunks = 0
  for (const { id } of load.jobs) for await (const _ of chunksIn(load, id)) chunks++
  return chunks
}

/** The chunks of a job's texts one after another, each with its place in its text; none while it is not done. */
export async function* chunksIn({ submitter }: Load, id: string): AsyncGenerator<ResultEntryAnswer, void> {
  const tasks = submitter.client().of(tasksCommands)
  const job = await tasks.progress({ id })
  if (job.state !== 'done') return
  for await (const line of tasks.result({ id })) if ('index' in line) yield line
}

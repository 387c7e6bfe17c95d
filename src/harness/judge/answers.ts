import { setImmediate as turn } from 'node:timers/promises'
import type { Client } from '../../api/client.ts'
import { daemonCommands } from '../../daemon/commands.ts'
import { type ChunkOutput, chunk, digestOf } from '../../domains/knowledge/offline.ts'
import { tasksCommands } from '../../domains/tasks/commands.ts'
import type { Chunk } from '../../text/chunker.ts'
import type { WorkContext } from '../../threads/kind.ts'
import { openTokenizer } from '../../threads/threads.ts'
import { chunksIn, type Load, type LoadJob } from '../load.ts'
import type { SourceDocument } from '../scenario/work.ts'
import type { Answers } from './task-figures.ts'

/** Texts done again between two turns of the event loop. */
const TEXTS_AT_ONCE = 32

/** Only for work of the kind `chunk`: it is the same everywhere, to the letter. */
export async function answersTo(load: Load): Promise<Answers> {
  const delivered = await deliveredTo(
    load.submitter.client(),
    load.jobs.map(({ id }) => id),
  )
  const context = await contextOf()
  let [judged, wrong] = [0, 0]
  for (const job of load.jobs) {
    const results = await outputsOf(load, job.id)
    judged += results.length
    wrong += await wrongOf(job, results, context)
  }
  const reputations = await load.submitter.client().of(tasksCommands).reputation()
  return { delivered, judged, wrong, caught: reputations.filter(one => one.wrong > 0).length }
}

/** What a job made of each of its texts: a text of words has a chunk at least. */
async function outputsOf(load: Load, jobId: string): Promise<ChunkOutput[]> {
  const texts: Chunk[][] = []
  for await (const { index, start = 0, end = 0, tokens = 0 } of chunksIn(load, jobId)) {
    if (index === 0) texts.push([])
    texts.at(-1)?.push({ start, end, tokens })
  }
  return texts.map(chunks => ({ chunks, digest: digestOf(chunks) }))
}

async function contextOf(): Promise<WorkContext<'counter'>> {
  const tokenizer = await openTokenizer()
  return {
    counter: tokenizer,
    signal: new AbortController().signal,
    progress: () => undefined,
  }
}

async function wrongOf(
  { documents, params }: LoadJob,
  results: readonly ChunkOutput[],
  context: WorkContext<'counter'>,
): Promise<number> {
  let wrong = 0
  for (const [place, result] of results.entries()) {
    const document = documents[place]
    const right = document === undefined ? undefined : await chunked(document, params, context)
    if (right === undefined || !chunk.agrees(right, result)) wrong++
    if (place % TEXTS_AT_ONCE === 0) await turn()
  }
  return wrong
}

/** The answer, worked out here. */
export async function chunked(
  document: SourceDocument,
  params: LoadJob['params'],
  context: WorkContext<'counter'>,
): Promise<ChunkOutput> {
  const parts: { input: { text: string; offset: number }; output: ChunkOutput }[] = []
  for (const input of chunk.split(document, params)) {
    parts.push({ input, output: await chunk.run(input, params, context) })
  }
  return chunk.merge(parts)
}

/** Each message may carry dozens of results. */
const MESSAGES_A_PAGE = 200

async function deliveredTo(client: Client, jobs: readonly string[]): Promise<string[]> {
  const delivered: string[] = []
  for (let after = 0; ; ) {
    const page = await client.of(daemonCommands).messages({ type: 'task.result', after, limit: MESSAGES_A_PAGE })
    for (const { seq, direction, taskId, envelope } of page) {
      after = seq
      if (direction === 'in' && jobs.includes(taskId)) delivered.push(...answeredIn(envelope))
    }
    if (page.length < MESSAGES_A_PAGE) return delivered
  }
}

/** Failures are no results. */
function answeredIn(envelope: string): string[] {
  const { payload } = JSON.parse(envelope) as {
    payload: { results?: readonly { task_id: string; error?: unknown }[] }
  }
  // Of a refused message only the frame is kept.
  return (payload.results ?? []).filter(({ error }) => error === undefined).map(({ task_id }) => task_id)
}

import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import {
  createEncoder,
  type Evaluation,
  evaluate,
  kinds,
  kindsModule,
  parseJudgements,
  parseSmart,
} from '../../domains/knowledge/offline.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import { createThreads } from '../../threads/threads.ts'
import { progressBar } from '../library/progress.ts'
import { createLive } from '../terminal/live.ts'
import { printLine, type Terminal } from '../terminal/terminal.ts'
import { duration } from '../terminal/units.ts'
import { readText } from './text-file.ts'

export interface RankingFlags {
  readonly positions?: boolean
  readonly shards: number
  readonly json?: string
}

const MEMORY_MB = 1_024
const IDLE_MS = 60_000

/** Measures the ranking of "ask" on a labelled collection, against BM25 alone. */
export async function evalRanking(
  files: { documents: string; queries: string; qrels: string },
  flags: RankingFlags,
  terminal: Terminal,
): Promise<void> {
  const text = (file: string) => readText(terminal, file)
  const trial = {
    documents: parseSmart(text(files.documents), files.documents),
    queries: parseSmart(text(files.queries), files.queries),
    judgements: parseJudgements(text(files.qrels), files.qrels),
    positions: flags.positions === true,
    shards: flags.shards,
  }
  const threads = availableParallelism()
  const workers = createThreads({
    kinds: [{ kinds, module: kindsModule }],
    threads,
    niceIncrement: 0,
    maxMemoryMb: MEMORY_MB,
    idleTimeoutMs: IDLE_MS,
    log: silentLog,
    now: systemClock.now,
  })
  const live = createLive(terminal.err, line => /(\d*)\d %/.exec(line)?.[1] ?? '')
  const beganMs = systemClock.now()
  try {
    const verdict = await evaluate(trial, {
      encode: createEncoder(workers.run),
      width: threads + 1,
      signal: terminal.interrupted(),
      progress: (done, total) => live.show(line(done, total, systemClock.now() - beganMs)),
    })
    live.done()
    report(verdict, flags.json, terminal)
  } finally {
    live.done()
    await workers.stop()
  }
}

function line(done: number, total: number, tookMs: number): string {
  const left = done === 0 ? '' : `  ${duration((tookMs / done) * (total - done))} left`
  return `${progressBar(done / total)}  ${done} of ${total} texts  ${((done / tookMs) * 1000).toFixed(1)} texts/s${left}`
}

function report(verdict: Evaluation, json: string | undefined, terminal: Terminal): void {
  const text = `${JSON.stringify(verdict, null, 2)}\n`
  if (json === '-') return void terminal.out.write(text)
  if (json !== undefined) writeFileSync(resolve(terminal.cwd, json), text)
  const { ndcg10, recall10, bm25Ndcg10, bm25Recall10, sharded } = verdict
  const rows = [
    ['ask, one index', ndcg10, recall10],
    [`ask, ${sharded.shards} shards`, sharded.ndcg10, sharded.recall10],
    ['BM25 alone', bm25Ndcg10, bm25Recall10],
  ] as const
  printLine(terminal, `${verdict.documents} documents, ${verdict.queries} judged queries`)
  printLine(terminal, `${''.padEnd(16)}  nDCG@10  recall@10`)
  for (const [what, ndcg, recall] of rows)
    printLine(terminal, `${what.padEnd(16)}  ${ndcg.toFixed(4).padStart(7)}  ${recall.toFixed(4).padStart(9)}`)
}

import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
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
import { CodedError, messageOf } from '../../kernel/errors.ts'
import { silentLog } from '../../kernel/log.ts'
import { createThreads } from '../../threads/threads.ts'
import { createLive } from '../terminal/live.ts'
import { printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, parseCount } from '../terminal/units.ts'
import { progressBar } from './progress.ts'

interface EvalFlags {
  readonly smart: boolean
  readonly positions?: boolean
  readonly shards: number
  readonly json?: string
}

const MEMORY_MB = 1_024
const IDLE_MS = 60_000

export function registerEval(program: Command, terminal: Terminal): void {
  program
    .command('eval <documents> <queries> <qrels>')
    .description('measure the ranking of "ask" on a labelled collection, against BM25 alone; needs no daemon')
    .requiredOption('--smart', 'documents and queries are SMART files (.I .T .A .B .W), qrels are TREC judgements')
    .option('--positions', 'qrels count queries by their place in the file instead of by their .I number')
    .option('--shards <n>', 'over how many peers to spread the documents as well', parseCount, 5)
    .option('--json <file>', 'write the figures there; - prints them')
    .action(async (documents: string, queries: string, qrels: string, flags: EvalFlags) => {
      await run({ documents, queries, qrels }, flags, terminal)
    })
}

async function run(
  files: { documents: string; queries: string; qrels: string },
  flags: EvalFlags,
  terminal: Terminal,
): Promise<void> {
  const text = (file: string) => readText(resolve(terminal.cwd, file), file)
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

/** Old collections are older than UTF-8. */
function readText(path: string, name: string): string {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new CodedError('CLI_BAD_FILE', `${name} cannot be read: ${messageOf(cause)}`, { cause })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

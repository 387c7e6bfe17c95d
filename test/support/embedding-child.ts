/**
 * Embeds for real in a worker thread, and takes the work back at many moments: a process that lives to say so. Arguments:
 * what to end (`opening`, `computing` or `everything`), how often, the module with the kind `deaf`.
 */
import { z } from 'zod'
import { kinds, kindsModule } from '../../src/domains/knowledge/kinds/kinds.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { ThreadKind } from '../../src/threads/kind.ts'
import { createPool, type Pool } from '../../src/threads/pool.ts'

const [what = '', times = '1', deafModule = ''] = process.argv.slice(2)

/** Runs in the module of the test: it embeds on and on, and does not listen. */
const deaf: ThreadKind = {
  asks: { embedder: true },
  params: z.unknown(),
  input: z.unknown(),
  limits: { maxRunMs: () => 60_000 },
  run: () => Promise.reject(new TypeError('only in its module')),
  merge: () => undefined,
}

function make(): Pool {
  const modules = [
    { kinds, module: kindsModule },
    { kinds: { deaf }, module: new URL(deafModule) },
  ]
  const options = { threads: 1, niceIncrement: 10, maxMemoryMb: 512, idleTimeoutMs: 60_000, log: silentLog }
  return createPool({ ...options, kinds: modules })
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  )
}

/** The n-th of so many moments while a thread starts, opens the model and begins to compute. */
async function whileOpening(n: number): Promise<string> {
  const workers = make()
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), openMs * (n / Number(times)))
  const ended = await codeOf(workers.run('deaf', {}, {}, { signal: stop.signal, timeoutMs: 60_000 }))
  clearTimeout(timer)
  await workers.stop()
  return ended
}

/** By the limit of time in one half of the cases, by a cancellation in the other. */
async function whileComputing(n: number): Promise<string> {
  const workers = make()
  const stop = new AbortController()
  await workers.warm()
  const timeoutMs = n % 2 === 0 ? 5 * n : 60_000
  const onProgress = (done: number) => {
    if (n % 2 === 1 && done === n) stop.abort()
  }
  const ended = await codeOf(workers.run('deaf', {}, {}, { signal: stop.signal, timeoutMs, onProgress }))
  const next = await codeOf(workers.run('chunk', { maxTokens: 64 }, { text: 'Another part.', offset: 0 }))
  await workers.stop()
  return `${ended}, then ${next}`
}

/** All threads at once, as when the daemon stops. */
async function everything(n: number): Promise<string> {
  const workers = make()
  const begun = Promise.withResolvers<void>()
  const onProgress = (done: number) => done >= n && begun.resolve()
  const ended = codeOf(workers.run('deaf', {}, {}, { onProgress }))
  await begun.promise
  await workers.stop()
  return ended
}

const startedMs = performance.now()
const first = make()
await first.warm()
/** What it takes here, today, until a thread has the model. */
const openMs = performance.now() - startedMs
await first.stop()
const cases: Record<string, (n: number) => Promise<string>> = {
  opening: whileOpening,
  computing: whileComputing,
  everything,
}
const ends = new Set<string>()
for (let n = 1; n <= Number(times); n++) ends.add((await cases[what]?.(n)) ?? 'nothing')
process.stdout.write(`${JSON.stringify([...ends].toSorted())}\n`)

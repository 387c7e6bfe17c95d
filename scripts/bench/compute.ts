import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kind, KindShape } from '../../src/daemon/kind.ts'
import { chunk } from '../../src/domains/knowledge/kinds/chunk.ts'
import { embed } from '../../src/domains/knowledge/kinds/embed.ts'
import { kinds, kindsModule } from '../../src/domains/knowledge/kinds/kinds.ts'
import type { TextPart } from '../../src/domains/knowledge/kinds/text-part.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Embedder } from '../../src/text/embedder.ts'
import type { WorkContext } from '../../src/threads/kind.ts'
import { createPool, type Pool } from '../../src/threads/pool.ts'
import { openTokenizer, openUseLite } from '../../src/threads/use-lite/use-lite.ts'
import type { Figure, Part } from './figure.ts'
import { type Burst, race, rateOf } from './race.ts'

const CHUNK_LENGTH = { rounds: 7, roundMs: 400 }
const EMBED_LENGTH = { rounds: 4, roundMs: 1_200 }
/** Parts handed over at a time: a thread that is done finds the next one waiting. */
const IN_FLIGHT = 2
const DELAY_MS = 2_500
const RESOLUTION_MS = 5
const TEXT_BYTES = 300_000
const PARAMS = { maxTokens: 110 }
const MB = 1_000_000

/** Work in the pool's threads against the same work on the main thread, and what the main thread notices of it. */
export const compute: Part = {
  name: 'compute',
  async run() {
    const document = { name: 'READMEs', text: realText() }
    const embedder = await openUseLite()
    const tokenizer = await openTokenizer()
    const context: Everything = {
      counter: tokenizer,
      embedder,
      signal: new AbortController().signal,
      progress: () => {},
    }
    // One thread, as many as the direct way has; and as polite as it.
    const workers = createPool({
      kinds: [{ kinds, module: kindsModule }],
      threads: 1,
      niceIncrement: 0,
      maxMemoryMb: 1024,
      idleTimeoutMs: 60_000,
      log: silentLog,
    })
    try {
      await workers.warm()
      const chunkParts = endlessly([...chunk.split(document, PARAMS)])
      const embedParts = endlessly([...embed.split(document, PARAMS)])
      const chunking = await race(
        {
          direct: burst(() => bytesDone(chunkParts(), context)),
          pool: burst(() => bytesDone(chunkParts(), workers)),
        },
        CHUNK_LENGTH,
      )
      const direct = burst(() => chunksDone(embedParts(), context))
      const pool = burst(() => chunksDone(embedParts(), workers))
      const embedding = await race({ direct, pool }, EMBED_LENGTH)
      return figuresOf(chunking, embedding, embedder, {
        idle: await loopDelay(() => rateOf(turn, DELAY_MS / 2)),
        pool: await loopDelay(() => rateOf(pool, DELAY_MS)),
        direct: await loopDelay(() => rateOf(direct, DELAY_MS)),
      })
    } finally {
      await workers.stop()
    }
  },
}

type Speeds = Awaited<ReturnType<typeof race<'direct' | 'pool'>>>

function figuresOf(chunking: Speeds, embedding: Speeds, { engine }: Embedder, delay: Record<string, number>): Figure[] {
  const direct = 'the same kind on the main thread, one thread each'
  const kind = (name: string) => `kind ${name}, one worker thread, README files`
  const late = 'main thread, p99'
  return [
    {
      name: 'compute.poolVsDirect',
      value: embedding.ratio('pool', 'direct'),
      unit: 'ratio',
      against: `embed: ${direct}`,
    },
    {
      name: 'compute.chunkPoolVsDirect',
      value: chunking.ratio('pool', 'direct'),
      unit: 'ratio',
      against: `chunk: ${direct}`,
    },
    {
      name: 'compute.embeddedPerSecond',
      value: embedding.rate('pool'),
      unit: '/s',
      against: `chunks, ${kind('embed')}, ${engine}`,
    },
    {
      name: 'compute.embeddedDirectPerSecond',
      value: embedding.rate('direct'),
      unit: '/s',
      against: 'chunks, main thread',
    },
    { name: 'compute.chunkMBPerSecond', value: chunking.rate('pool') / MB, unit: 'MB/s', against: kind('chunk') },
    {
      name: 'compute.chunkDirectMBPerSecond',
      value: chunking.rate('direct') / MB,
      unit: 'MB/s',
      against: 'main thread',
    },
    {
      name: 'compute.loopDelayP99Ms',
      value: delay['pool'] ?? Number.NaN,
      unit: 'ms',
      against: `${late}, embedding in the pool`,
    },
    {
      name: 'compute.loopDelayIdleP99Ms',
      value: delay['idle'] ?? Number.NaN,
      unit: 'ms',
      against: `${late}, idle`,
    },
    {
      name: 'compute.loopDelayDirectP99Ms',
      value: delay['direct'] ?? Number.NaN,
      unit: 'ms',
      against: `${late}, embedding on the main thread`,
    },
  ]
}

/** On the main thread: what either kind asks for. */
type Everything = WorkContext<'counter' | 'embedder'>

type Done<Output> = (part: TextPart) => Promise<Output>

/** Two parts at a time, whoever does them. */
function burst(one: () => Promise<number>): Burst {
  return async () => {
    const done = await Promise.all(Array.from({ length: IN_FLIGHT }, one))
    return done.reduce((sum, units) => sum + units, 0)
  }
}

async function bytesDone(part: TextPart, by: Everything | Pool): Promise<number> {
  await doneBy(chunk, by)(part)
  return Buffer.byteLength(part.text)
}

async function chunksDone(part: TextPart, by: Everything | Pool): Promise<number> {
  const { chunks } = await doneBy(embed, by)(part)
  return chunks.length
}

function doneBy<Shape extends KindShape & { readonly input: TextPart }>(
  kind: Kind<Shape>,
  by: Everything | Pool,
): Done<Shape['output']> {
  const params = kind.params.parse(PARAMS)
  if ('warm' in by) return part => by.run(kind.name, params, part)
  return part => kind.run(part, params, by)
}

function endlessly(parts: readonly TextPart[]): () => TextPart {
  let next = 0
  return () => parts[next++ % parts.length] as TextPart
}

/** The READMEs of the installed packages, in order of their names: present wherever this can run. */
function realText(): string {
  const modules = join(import.meta.dirname, '..', '..', 'node_modules')
  let text = ''
  for (const name of readdirSync(modules).sort()) {
    if (text.length >= TEXT_BYTES) break
    text += readable(join(modules, name, 'README.md'))
  }
  return text
}

function readable(file: string): string {
  try {
    return `${readFileSync(file, 'utf8').toWellFormed()}\n\n`
  } catch {
    return ''
  }
}

async function turn(): Promise<number> {
  await sleep(RESOLUTION_MS)
  return 1
}

async function loopDelay(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  await work()
  histogram.disable()
  // Node counts from one tick of its timer to the next.
  return Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS)
}

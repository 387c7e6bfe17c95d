import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { embed } from '../../src/domains/knowledge/kinds/embed.ts'
import { installedReadmes } from '../../src/harness/scenario/work.ts'
import type { WorkContext } from '../../src/threads/kind.ts'
import { openUseLite } from '../../src/threads/use-lite/use-lite.ts'
import { acquainted, type BenchDaemon, done, startDaemon } from './daemons.ts'
import type { Figure, Part } from './figure.ts'
import { type Burst, median, race } from './race.ts'
import { openScratch } from './scratch.ts'

const MODULES = join(import.meta.dirname, '..', '..', 'node_modules')
const PEERS = 4
/** Enough parts for four peers to have some each. */
const TEXT_BYTES = 120_000
const PARAMS = { maxTokens: 110 }
const EMBED = `${embed.name}@${embed.version}`
/** A job a burst. */
const LENGTH = { rounds: 3, roundMs: 1 }
const POLL_MS = 25
/** A task waits for its turn; a machine shared with others must not end its lease. */
const OPTIONS = { 'compute.leaseMs': 60_000 }
/** What the house allows an event loop to be late. */
const MAX_DELAY_MS = 50

/** One job of embedding spread over 1, 2 and 4 peers, each a daemon of its own, against the same model in one process. */
export const spread: Part = {
  name: 'spread',
  async run() {
    const documents = installedReadmes(MODULES, TEXT_BYTES)
    await using stack = new AsyncDisposableStack()
    const scratch = stack.use(openScratch())
    const boss = stack.use(await startDaemon({ name: 'boss', folder: scratch.folder, role: 'household' }))
    const workers: BenchDaemon[] = []
    while (workers.length < PEERS) {
      const name = `worker-${workers.length}`
      const plan = { name, folder: scratch.folder, role: 'compute', first: boss, options: OPTIONS } as const
      workers.push(stack.use(await startDaemon(plan)))
    }
    await acquainted(boss, workers, EMBED)
    const bare = await bareProcess(documents)
    const chunks = await bare()
    const delays = { boss: [] as number[], worker: [] as number[] }

    function on(count: number): Burst {
      const chosen = workers.slice(0, count)
      return async () => {
        const [first] = chosen as [BenchDaemon]
        await Promise.all([boss.loopDelay(), first.loopDelay()])
        const peers = chosen.map(({ peerId }) => peerId)
        await done(boss, { kind: embed.name, params: PARAMS, documents, peers }, POLL_MS)
        delays.boss.push((await boss.loopDelay()).p99Ms)
        delays.worker.push((await first.loopDelay()).p99Ms)
        return chunks
      }
    }

    const contenders = { bare, one: on(1), two: on(2), four: on(4) }
    // All models are opened; that is not measured, and neither is how late a loop was meanwhile.
    await contenders.four()
    delays.boss.length = 0
    delays.worker.length = 0
    const speeds = await race(contenders, LENGTH)
    return figuresOf(speeds, chunks, { boss: median(delays.boss), worker: median(delays.worker) })
  },
}

type Speeds = Awaited<ReturnType<typeof race<'bare' | 'one' | 'two' | 'four'>>>

function figuresOf(speeds: Speeds, chunks: number, delays: { boss: number; worker: number }): Figure[] {
  const cores = availableParallelism()
  const job = `a job of ${chunks} chunks of README files; ${cores} cores for all`
  const bare = `the same model in one bare process, one thread`
  const both = (name: 'one' | 'two' | 'four', peers: number): Figure[] => {
    const on = `${peers} ${peers === 1 ? 'peer' : 'peers'} of one thread each, a process each, and the submitter`
    return [
      {
        name: `spread.${name}VsBare`,
        value: speeds.ratio(name, 'bare'),
        unit: 'ratio',
        against: `${bare}; ${on}; ${job}`,
      },
      { name: `spread.${name}PerSecond`, value: speeds.rate(name), unit: '/s', against: `chunks embedded, ${on}` },
    ]
  }
  const delay = (who: 'boss' | 'worker', what: string): Figure[] => [
    {
      name: `spread.${who}LoopVsAllowed`,
      value: MAX_DELAY_MS / delays[who],
      unit: 'ratio',
      atLeast: 1,
      against: `${MAX_DELAY_MS} ms over the p99 of how late the event loop of ${what} is`,
    },
    { name: `spread.${who}LoopDelayP99Ms`, value: delays[who], unit: 'ms', against: `event loop of ${what}` },
  ]
  return [
    ...both('one', 1),
    ...both('two', 2),
    ...both('four', 4),
    { name: 'spread.barePerSecond', value: speeds.rate('bare'), unit: '/s', against: `chunks embedded, ${bare}` },
    ...delay('worker', 'a daemon that embeds'),
    ...delay('boss', 'the daemon whose job it is'),
  ]
}

/** All documents, part after part, with nothing around the model; how many chunks that were. */
async function bareProcess(documents: readonly { name: string; text: string }[]): Promise<() => Promise<number>> {
  const context: WorkContext<'embedder'> = {
    embedder: await openUseLite(),
    signal: new AbortController().signal,
    progress: () => undefined,
  }
  const parts = documents.flatMap(document => [...embed.split(document, PARAMS)])
  return async () => {
    let chunks = 0
    for (const part of parts) chunks += (await embed.run(part, PARAMS, context)).chunks.length
    return chunks
  }
}

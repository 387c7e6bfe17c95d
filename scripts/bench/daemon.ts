import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startChild } from './child.ts'
import type { Figure, Part } from './figure.ts'
import { median } from './race.ts'
import { openScratch } from './scratch.ts'

/** The first round makes the key and the database, and fills the disk cache: not counted. */
const ROUNDS = 5
/** Until what the start needed has been let go, and nothing happens any more. */
const REST_MS = 2_500

const CONTENDERS = ['node', 'libp2p', 'daemon'] as const
type Contender = (typeof CONTENDERS)[number]

interface Sample {
  readonly startMs: number
  readonly memoryMb: number
}

/** An idle daemon's memory, and its time from spawn to listening, against processes that do less. */
export const daemon: Part = {
  name: 'daemon',
  async run() {
    using scratch = openScratch()
    const rounds: Readonly<Record<Contender, Sample>>[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(scratch.folder, round))
    return figuresOf(rounds.slice(1))
  },
}

/** Starts one after the other, lets all of them rest together. */
async function measure(folder: string, round: number): Promise<Record<Contender, Sample>> {
  await using stack = new AsyncDisposableStack()
  const order = round % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed()
  const started = new Map<Contender, Awaited<ReturnType<typeof startChild>>>()
  for (const name of order) started.set(name, stack.use(await startChild(commandOf(name, folder), folder)))
  await sleep(REST_MS)
  const sample = (name: Contender): Sample => {
    const child = started.get(name)
    return { startMs: child?.startMs ?? Number.NaN, memoryMb: child?.memoryMb() ?? Number.NaN }
  }
  return { node: sample('node'), libp2p: sample('libp2p'), daemon: sample('daemon') }
}

function commandOf(name: Contender, folder: string): string[] {
  if (name === 'node') return ['-e', `console.log('{"msg":"ready"}'); setInterval(() => {}, 1e6)`]
  if (name === 'libp2p') return [fileURLToPath(import.meta.resolve('./bare-libp2p.ts'))]
  const quiet = ['--set', 'network.mdns=false', '--set', 'network.listen=/ip4/127.0.0.1/tcp/0']
  return [fileURLToPath(import.meta.resolve('../../src/main.ts')), '--home', join(folder, 'home'), 'run', ...quiet]
}

function figuresOf(rounds: readonly Readonly<Record<Contender, Sample>>[]): Figure[] {
  const of = (name: Contender, what: keyof Sample) => median(rounds.map(round => round[name][what]))
  const ratio = (peer: Contender, what: keyof Sample) =>
    median(rounds.map(round => round.daemon[what] / round[peer][what]))
  const bare = 'a bare libp2p process (TCP, noise, yamux, identify, ping); less is better'
  const empty = 'an empty Node process; less is better'
  return [
    { name: 'daemon.memoryVsBareLibp2p', value: ratio('libp2p', 'memoryMb'), unit: 'ratio', against: bare },
    { name: 'daemon.startVsBareLibp2p', value: ratio('libp2p', 'startMs'), unit: 'ratio', against: bare },
    { name: 'daemon.memoryVsNode', value: ratio('node', 'memoryMb'), unit: 'ratio', against: empty },
    { name: 'daemon.startVsNode', value: ratio('node', 'startMs'), unit: 'ratio', against: empty },
    ...CONTENDERS.flatMap((name): Figure[] => {
      const memory = `resident, ${REST_MS / 1000} s after it was ready`
      const part = name === 'daemon' ? 'daemon.' : `daemon.${name}`
      const [memoryName, startName] = name === 'daemon' ? ['memoryMB', 'startMs'] : ['MemoryMB', 'StartMs']
      return [
        { name: part + memoryName, value: of(name, 'memoryMb'), unit: 'MB', against: memory },
        { name: part + startName, value: of(name, 'startMs'), unit: 'ms', against: 'spawn to ready line' },
      ]
    }),
  ]
}

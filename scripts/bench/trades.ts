import { createFleet } from '../../src/harness/fleet/fleet.ts'
import type { Actor } from '../../src/harness/scenario/street.ts'
import { messageOf } from '../../src/kernel/errors.ts'
import { testNodes } from '../../test/support/nodes.ts'
import type { Figure, Part } from './figure.ts'
import { percentile } from './race.ts'
import { openScratch } from './scratch.ts'
import { acrossProcesses, inOneProcess, MARKET, type Market, SEARCH_MS } from './trade-market.ts'

/** Half of the peers sell, half buy; a purchase is a whole one: search, select, init, confirm, both signatures. */
const STREETS = [
  { peers: 2, purchases: 30, atOnce: 2 },
  { peers: 10, purchases: 60, atOnce: 5 },
  { peers: 50, purchases: 30, atOnce: 2 },
] as const
const PROCESSES = [2, 10, 50] as const

/** Trades from end to end, among peers of one process and among processes. */
export const trades: Part = {
  name: 'trades',
  async run() {
    const figures: Figure[] = []
    for (const street of STREETS) {
      figures.push(...(await orLeftOut(`${street.peers} peers in one process`, () => withNodes(street))))
    }
    for (const peers of PROCESSES) {
      figures.push(...(await orLeftOut(`${peers} peers as processes`, () => withProcesses(peers))))
    }
    return figures
  },
}

/** A street this machine cannot carry is named and left out; the figures of the others stand. */
async function orLeftOut(street: string, run: () => Promise<Figure[]>): Promise<Figure[]> {
  try {
    return await run()
  } catch (error) {
    console.log(`· trades: ${street} left out: ${messageOf(error)}`)
    return []
  }
}

async function withNodes(street: (typeof STREETS)[number]): Promise<Figure[]> {
  await using nodes = testNodes()
  return await measure(await inOneProcess(nodes, street.peers), street, 'inProcess')
}

async function withProcesses(peers: number): Promise<Figure[]> {
  using scratch = openScratch()
  const actors = Array.from(
    { length: peers },
    (_, i): Actor => ({ name: `peer-${i}`, roles: ['household'], options: {} }),
  )
  const shared = { ...MARKET, 'log.level': 'warn' }
  const fleet = createFleet(actors, { directory: scratch.folder, networkName: `bench-${peers}`, shared })
  const kill = (): void => {
    for (const daemon of [fleet.bootstrap, ...fleet.daemons]) void daemon.kill()
  }
  // The bench may be interrupted, or run out of time.
  process.once('exit', kill)
  try {
    await fleet.start(() => undefined)
    const street = STREETS.find(one => one.peers === peers) ?? STREETS[0]
    return await measure(await acrossProcesses(fleet.daemons), street, 'processes')
  } finally {
    await fleet.stop()
    process.off('exit', kill)
  }
}

async function measure(
  market: Market,
  { peers, purchases, atOnce }: (typeof STREETS)[number],
  how: 'inProcess' | 'processes',
): Promise<Figure[]> {
  await market.offer()
  await market.buy(0)
  const before = await market.traffic()
  const latencies: number[] = []
  const startMs = performance.now()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < purchases) latencies.push(await market.buy(next++))
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  const tookMs = performance.now() - startMs
  // Fifty processes take their time to start: what is known by then is said.
  console.log(`· trades: ${purchases} among ${peers} peers (${how}) in ${(tookMs / 1000).toFixed(1)} s`)
  const after = await market.traffic()
  const part = `trades.${how}${peers}`
  const against = `${peers} peers ${how === 'processes' ? 'as processes' : 'in one process'}, ${atOnce} purchases at once, a search of ${SEARCH_MS} ms included`
  const perTrade = (what: keyof typeof after): number => (after[what] - before[what]) / purchases / peers
  const share = { against: `each of ${peers} peers, a trade; copies in the mesh not counted` }
  return [
    { name: `${part}PerSecond`, value: (purchases / tookMs) * 1000, unit: '/s', against },
    { name: `${part}P50Ms`, value: percentile(latencies, 50), unit: 'ms', against },
    { name: `${part}P99Ms`, value: percentile(latencies, 99), unit: 'ms', against },
    { name: `${part}GossipMessages`, value: perTrade('gossipMessages'), unit: 'messages', ...share },
    { name: `${part}GossipKB`, value: perTrade('gossipBytes') / 1024, unit: 'kB', ...share },
    { name: `${part}StreamMessages`, value: perTrade('streamMessages'), unit: 'messages', ...share },
    { name: `${part}StreamKB`, value: perTrade('streamBytes') / 1024, unit: 'kB', ...share },
  ]
}

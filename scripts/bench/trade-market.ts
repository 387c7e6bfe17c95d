import { withNews } from '../../src/api/news.ts'
import type { Client } from '../../src/daemon/command.ts'
import { daemonCommands } from '../../src/daemon/commands.ts'
import { peersCommands } from '../../src/domains/peers/commands.ts'
import { type NeedAnswer, tradingCommands } from '../../src/domains/trading/commands.ts'
import type { Daemon } from '../../src/harness/fleet/daemon.ts'
import { eventually } from '../../test/support/network-hosts.ts'
import { meet, type TestNodes } from '../../test/support/nodes.ts'

/** What passed, summed over all peers. */
export interface Traffic {
  readonly gossipMessages: number
  readonly gossipBytes: number
  readonly streamMessages: number
  readonly streamBytes: number
}

/** Peers that trade when told to. */
export interface Market {
  /** Every seller offers plenty. */
  offer(): Promise<void>
  /** The n-th purchase; how long it took from search to confirmed, ms. */
  buy(n: number): Promise<number>
  traffic(): Promise<Traffic>
}

/** The window in which a search collects answers; part of every latency. */
export const SEARCH_MS = 200
/** Fifty peers on two cores answer late: what a buyer waits for a step is not to decide the figures. */
export const MARKET = { 'market.slotMs': 86_400_000, 'market.searchMs': SEARCH_MS, 'market.stepTimeoutMs': 20_000 }
const PLENTY_WH = 1_000_000
const PURCHASE_WH = 1
const PATIENCE_MS = 1_000
/** A few sellers that did not answer: what takes longer has gone wrong. */
const PURCHASE_MS = 120_000
const CONNECT_MS = 120_000

export async function inOneProcess(nodes: TestNodes, count: number): Promise<Market> {
  const flags = { ...MARKET, 'log.level': 'silent' }
  const started = []
  for (let i = 0; i < count; i++) started.push(await nodes.start(`trader-${i}`, flags))
  const [first, ...others] = started
  if (first === undefined) throw new TypeError('a market without peers')
  await meet(first, ...others)
  return market(started.map(({ client }) => client))
}

export async function acrossProcesses(daemons: readonly Daemon[]): Promise<Market> {
  await eventually(
    'everybody knows somebody',
    async () => {
      const known = await Promise.all(daemons.map(daemon => daemon.client().of(peersCommands).peers()))
      return known.every(
        peers => peers.filter(peer => peer.roles !== undefined).length >= Math.min(5, daemons.length - 1),
      )
    },
    CONNECT_MS,
  )
  return market(daemons.map(daemon => daemon.client()))
}

function market(clients: readonly Client[]): Market {
  const sellers = clients.filter((_, i) => i % 2 === 0)
  const buyers = clients.filter((_, i) => i % 2 === 1)
  return {
    offer: async () =>
      void (await Promise.all(sellers.map(seller => seller.of(tradingCommands).sell({ energyWh: PLENTY_WH })))),
    buy: n => purchase(nth(buyers, n)),
    async traffic() {
      const all = await Promise.all(clients.map(client => client.of(daemonCommands).metrics()))
      const sum = (...names: string[]): number =>
        all.reduce((total, text) => total + names.reduce((n, name) => n + counted(text, name), 0), 0)
      return {
        gossipMessages: sum('gossip_received_total'),
        gossipBytes: sum('gossip_bytes_total'),
        streamMessages: sum('requests_sent_total', 'requests_received_total'),
        streamBytes: sum('requests_bytes_total', 'answers_bytes_total'),
      }
    },
  }
}

/** A whole purchase by that peer; how long it took, ms. */
async function purchase(client: Client): Promise<number> {
  const trading = client.of(tradingCommands)
  return await withNews(client, undefined, async news => {
    const startMs = performance.now()
    const { id } = await trading.buy({ energyWh: PURCHASE_WH })
    while (!isBought(await trading.need({ id }))) {
      if (performance.now() - startMs > PURCHASE_MS)
        throw new Error(`a purchase is still not made after ${PURCHASE_MS / 1000} s`)
      await news.next({ mostMs: PATIENCE_MS })
    }
    return performance.now() - startMs
  })
}

function isBought({ state, reason }: NeedAnswer): boolean {
  if (state === 'failed') throw new Error(`a purchase came to nothing: ${reason}`)
  return state === 'bought'
}

function nth<Peer>(peers: readonly Peer[], n: number): Peer {
  const peer = peers[n % peers.length]
  if (peer === undefined) throw new TypeError('a market without buyers')
  return peer
}

/** The sum of a counter over its labels, in Prometheus' text. */
function counted(text: string, name: string): number {
  const line = new RegExp(`^wattmesh_${name}(?:\\{[^}]*\\})? ([0-9.e+]+)$`, 'gm')
  return [...text.matchAll(line)].reduce((sum, [, value]) => sum + Number(value), 0)
}

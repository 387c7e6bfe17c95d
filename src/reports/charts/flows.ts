import { deliveredWh, isBinding } from '../figures.ts'
import type { ReportTrade } from '../report-data.ts'
import { counted, energy } from '../words.ts'
import type { Plot, Size } from './plot.ts'

/** Sellers and buyers that get a band of their own; the smallest are drawn as one. */
const MOST_EACH = 12
const OTHERS = '*'

/** Energy from one seller to one buyer. */
export interface Transfer {
  readonly seller: string
  readonly buyer: string
  readonly energyWh: number
  readonly fromUtility: boolean
}

/** What flowed between each pair, the most first. */
export function flowsOf(trades: readonly ReportTrade[]): Transfer[] {
  const flows = new Map<string, Transfer>()
  for (const trade of trades.filter(isBinding)) {
    const { seller, buyer, fromUtility } = trade
    const key = JSON.stringify([seller, buyer])
    const energyWh = (flows.get(key)?.energyWh ?? 0) + deliveredWh(trade)
    if (energyWh > 0) flows.set(key, { seller, buyer, energyWh, fromUtility })
  }
  return [...flows.values()].toSorted((a, b) => b.energyWh - a.energyWh)
}

/** Sellers left, buyers right: a household that does both stands on both sides, so nothing runs in a circle. */
export function flowsPlot(all: readonly Transfer[], nameOf: (peer: string) => string): Plot | undefined {
  if (all.length === 0) return undefined
  const flows = gathered(all)
  const nodes = (side: 'seller' | 'buyer') =>
    [...Map.groupBy(flows, flow => flow[side])].map(([peer, of]) => ({
      key: `${side} ${peer}`,
      name: peer === OTHERS ? 'others' : nameOf(peer),
      energyWh: of.reduce((sum, flow) => sum + flow.energyWh, 0),
      colour: colourOf(side, of),
    }))
  const [sellers, buyers] = [nodes('seller'), nodes('buyer')]
  const [top] = flows
  const most =
    top === undefined ? '' : `; most, ${energy(top.energyWh)}, went from ${nameOf(top.seller)} to ${nameOf(top.buyer)}`
  return {
    alt: `Bands from ${counted(sellers.length, 'seller')} to ${counted(buyers.length, 'buyer')}${most}. The table below has them all.`,
    entries: [],
    draw: size => ({
      series: {
        type: 'sankey',
        silent: true,
        draggable: false,
        emphasis: { disabled: true },
        nodeAlign: 'justify',
        top: 8,
        bottom: 8,
        left: labelRoom(size),
        right: labelRoom(size),
        nodeWidth: 10,
        nodeGap: 10,
        layoutIterations: 64,
        data: [...sellers.map(node => nodeOf(node, 'left', size)), ...buyers.map(node => nodeOf(node, 'right', size))],
        links: flows.map(({ seller, buyer, energyWh, fromUtility }) => ({
          source: `seller ${seller}`,
          target: `buyer ${buyer}`,
          value: energyWh,
          lineStyle: { color: fromUtility ? 'var(--utility)' : 'var(--neighbours)', opacity: 0.3, curveness: 0.5 },
        })),
      },
    }),
  }
}

interface Node {
  readonly key: string
  readonly name: string
  readonly energyWh: number
  readonly colour: string
}

function nodeOf({ key, name, energyWh, colour }: Node, position: 'left' | 'right', { name: size }: Size) {
  return {
    name: key,
    itemStyle: { color: colour, borderWidth: 0 },
    label: {
      position,
      color: 'var(--ink)',
      fontSize: size === 'wide' ? 13 : 11,
      distance: 8,
      formatter: () => (size === 'wide' ? `${name}  ${energy(energyWh)}` : narrowed(name)),
    },
  }
}

function narrowed(name: string): string {
  return name.length > 14 ? `${name.slice(0, 13)}…` : name
}

function labelRoom({ name }: Size): number {
  return name === 'wide' ? 230 : 96
}

function colourOf(side: 'seller' | 'buyer', flows: readonly Transfer[]): string {
  if (side === 'buyer') return 'var(--load)'
  return flows.some(({ fromUtility }) => fromUtility) ? 'var(--utility)' : 'var(--neighbours)'
}

/** The largest sellers and buyers by name, the rest of either side as one. */
function gathered(flows: readonly Transfer[]): Transfer[] {
  const [sellers, buyers] = [largest(flows, 'seller'), largest(flows, 'buyer')]
  const merged = new Map<string, Transfer>()
  for (const flow of flows) {
    const seller = sellers.has(flow.seller) ? flow.seller : OTHERS
    const buyer = buyers.has(flow.buyer) ? flow.buyer : OTHERS
    const key = JSON.stringify([seller, buyer])
    const before = merged.get(key)
    merged.set(key, {
      seller,
      buyer,
      energyWh: flow.energyWh + (before?.energyWh ?? 0),
      fromUtility: flow.fromUtility && before?.fromUtility !== false,
    })
  }
  return [...merged.values()]
}

function largest(flows: readonly Transfer[], side: 'seller' | 'buyer'): Set<string> {
  const sums = new Map<string, number>()
  for (const flow of flows) sums.set(flow[side], (sums.get(flow[side]) ?? 0) + flow.energyWh)
  const sorted = [...sums].toSorted(([, a], [, b]) => b - a)
  return new Set((sorted.length > MOST_EACH ? sorted.slice(0, MOST_EACH - 1) : sorted).map(([peer]) => peer))
}

import { deliveredWh, isBinding, tradedWh } from '../figures.ts'
import type { ReportTrade } from '../report-data.ts'
import type { Span } from '../slots.ts'
import { counted, energy } from '../words.ts'
import type { Plot } from './plot.ts'
import { type Layer, stackPlot } from './stack.ts'

const LAYERS: readonly Layer<ReportTrade>[] = [
  {
    name: 'from neighbours',
    colour: 'var(--neighbours)',
    energyWh: trade => (trade.fromUtility ? 0 : deliveredWh(trade)),
  },
  {
    name: 'from the utility',
    colour: 'var(--utility)',
    energyWh: trade => (trade.fromUtility ? deliveredWh(trade) : 0),
  },
]

/** How much changed hands, slot by slot; trades that came to nothing are not in it. */
export function tradesPlot(trades: readonly ReportTrade[], span: Span): Plot | undefined {
  const binding = trades.filter(isBinding)
  if (binding.length === 0) return undefined
  const local = binding.filter(trade => !trade.fromUtility)
  const alt =
    `Bars over time: ${energy(tradedWh(binding))} in ${counted(binding.length, 'trade')}, ` +
    `${energy(tradedWh(local))} of it between neighbours.`
  return stackPlot(binding, LAYERS, { span, alt })
}

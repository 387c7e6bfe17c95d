import { breach, quoted } from '../breach.ts'
import type { DegContract } from '../packs/trade.ts'
import type { Rule } from './scene.ts'

type Flows = NonNullable<DegContract['revenueFlows']>

/** Each flow was rounded to a millionth by whoever wrote it, by half of one at most. */
const ROUNDING = 0.5e-6

/** What the one pays reaches the others: money is neither made nor lost. */
export const flowsSumToZero: Rule = ({ bags }) => {
  for (const { path, value } of bags) {
    const flows = value['revenueFlows'] as Flows | undefined
    const wrong = flows && Object.entries(sums(flows)).find(([, sum]) => Math.abs(sum) > ROUNDING * flows.length)
    if (wrong === undefined) continue
    const [currency, sum] = wrong
    const said = `expected flows that sum to 0; in ${quoted(currency)} they sum to ${Number(sum.toFixed(6))}`
    return breach('POL_FLOWS_UNBALANCED', [...path, 'revenueFlows'], said)
  }
  return undefined
}

function sums(flows: Flows): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const { currency, value } of flows) totals[currency] = (totals[currency] ?? 0) + value
  return totals
}

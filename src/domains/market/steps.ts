import { MAX_STEPS, type Step } from './order.ts'

/**
 * Steps of one side as an order carries them: best first, whole Wh, no limit twice, and few. Where there are too many,
 * the two that lose least are joined, at the limit that promises less.
 */
export function orderSteps(side: 'buy' | 'sell', wanted: readonly Step[]): Step[] {
  const better = side === 'buy' ? (a: Step, b: Step) => b[0] - a[0] : (a: Step, b: Step) => a[0] - b[0]
  const byLimit = new Map<number, number>()
  for (const [limitMicro, energyWh] of wanted) byLimit.set(limitMicro, (byLimit.get(limitMicro) ?? 0) + energyWh)
  const steps = [...byLimit]
    .map(([limitMicro, energyWh]): Step => [limitMicro, Math.floor(energyWh)])
    .filter(([, energyWh]) => energyWh > 0)
    .sort(better)
  while (steps.length > MAX_STEPS) joinNearest(steps)
  return steps
}

/**
 * Both sides of an order. Where a house would buy and sell at one limit (a battery ends giving and begins taking), it
 * buys just below: nobody trades with himself.
 */
export function orderSides(wanted: { readonly buy: readonly Step[]; readonly sell: readonly Step[] }): {
  readonly buy: Step[]
  readonly sell: Step[]
} {
  const sell = orderSteps('sell', wanted.sell)
  const below = (sell[0]?.[0] ?? Number.POSITIVE_INFINITY) - 1
  const buy = wanted.buy.map(([limitMicro, energyWh]): Step => [Math.min(limitMicro, below), energyWh])
  return {
    buy: orderSteps(
      'buy',
      buy.filter(([limitMicro]) => limitMicro >= 0),
    ),
    sell,
  }
}

function joinNearest(steps: Step[]): void {
  let [at, least] = [0, Number.POSITIVE_INFINITY]
  for (const [i, [limitMicro, energyWh]] of steps.entries()) {
    const next = steps[i + 1]
    if (next === undefined) continue
    const loss = Math.abs(next[0] - limitMicro) * energyWh
    if (loss < least) [at, least] = [i, loss]
  }
  const [one, other] = [steps[at], steps[at + 1]]
  if (one !== undefined && other !== undefined) steps.splice(at, 2, [other[0], one[1] + other[1]])
}

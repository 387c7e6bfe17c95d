import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Outlook, Strategy } from '../../src/domains/energy/strategy.ts'
import { openStrategy } from '../../src/domains/energy/strategy-file.ts'
import { scratch } from '../support/storm.ts'

const preferences = { sellAbovePercent: 60, buyBelowPercent: 40 }
const outlook: Outlook = {
  slot: 7,
  socWh: 5_000,
  battery: { capacityWh: 10_000, reserveWh: 1_000, powerWh: 1_250, efficiencyPercent: 90 },
  loadWh: 300,
  solarWh: 0,
  ahead: [{ loadWh: 10, solarWh: 2_000 }],
  prices: { retailMicro: 250_000, feedInMicro: 80_000, sellMicro: 150_000, bestOfferMicro: 120_000 },
}

async function strategyOf(content: string, name = 'strategy.ts'): Promise<Strategy> {
  using folder = scratch()
  writeFileSync(folder.path(name), content)
  return await openStrategy(folder.path(name))
}

test('a strategy from a file decides with what it is shown', async () => {
  const strategy = await strategyOf(`
    import type {} from 'node:fs'
    export default ({ ahead, loadWh, prices }: any, { buyBelowPercent }: any) =>
      ahead[0].solarWh > 1000
        ? { action: 'wait', reason: \`the sun comes; the line is \${buyBelowPercent} %\` }
        : { action: 'buy', energyWh: loadWh, reason: \`cheap at \${prices.bestOfferMicro}\` }
  `)
  expect(strategy(outlook, preferences)).toEqual({ action: 'wait', reason: 'the sun comes; the line is 40 %' })
  expect(strategy({ ...outlook, ahead: [{ loadWh: 10, solarWh: 0 }] }, preferences)).toEqual({
    action: 'buy',
    energyWh: 300,
    reason: 'cheap at 120000',
  })
})

test.each([
  ['throws', "() => { throw new Error('no idea') }", 'the strategy failed: no idea'],
  ['answers with nothing', '() => undefined', 'answered nonsense'],
  ['knows no such action', "() => ({ action: 'steal', energyWh: 1, reason: 'r' })", 'answered nonsense: action'],
  ['gives no reason', "() => ({ action: 'buy', energyWh: 5 })", 'answered nonsense: reason'],
  ['gives an empty reason', "() => ({ action: 'wait', reason: ' ' })", 'answered nonsense: reason'],
  ['wants half a watt-hour', "() => ({ action: 'buy', energyWh: 0.5, reason: 'r' })", 'answered nonsense: energyWh'],
  ['wants less than nothing', "() => ({ action: 'sell', energyWh: -5, reason: 'r' })", 'answered nonsense: energyWh'],
  ['wants no number', "() => ({ action: 'sell', energyWh: NaN, reason: 'r' })", 'answered nonsense: energyWh'],
  ['lets the household wait', "async () => { throw new Error('later') }", 'answered with a promise'],
])('a strategy that %s makes the household wait, and the reason says so', async (_, code, reason) => {
  const strategy = await strategyOf(`export default ${code}`, 'strategy.mjs')
  const decision = strategy(outlook, preferences)
  expect(decision.action).toBe('wait')
  expect(decision.reason).toContain(reason)
})

test('a strategy cannot change what the household knows', async () => {
  const strategy = await strategyOf(
    "export default at => { at.socWh = 0; at.battery.capacityWh = 0; return { action: 'wait', reason: 'r' } }",
    'strategy.mjs',
  )
  const seen = structuredClone(outlook)
  strategy(seen, preferences)
  expect(seen).toEqual(outlook)
})

test.each([
  ['has no default export', 'export const decide = () => 1'],
  ['exports no function', 'export default 42'],
  ['cannot be read', 'export default ('],
])('a strategy file that %s is refused with its name', async (_, content) => {
  await expect(strategyOf(content, 'mine.mjs')).rejects.toMatchObject({
    code: 'ENERGY_STRATEGY',
    message: expect.stringContaining('mine.mjs'),
    hint: expect.stringContaining('household.strategyFile'),
  })
})

test('a strategy file that is not there is named', async () => {
  await expect(openStrategy('/nowhere/strategy.mjs')).rejects.toMatchObject({
    code: 'ENERGY_STRATEGY',
    message: expect.stringContaining('/nowhere/strategy.mjs'),
  })
})

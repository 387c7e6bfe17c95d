import type { Battery } from './battery.ts'

export interface Outlook {
  readonly socWh: number
  readonly battery: Battery
  /** Expected in the slot to decide about. */
  readonly loadWh: number
  readonly solarWh: number
}

export interface Preferences {
  readonly sellAbovePercent: number
  readonly buyBelowPercent: number
}

/** What a household does about the next slot, with its reason in words. */
export type Decision =
  | { readonly action: 'buy' | 'sell'; readonly energyWh: number; readonly reason: string }
  | { readonly action: 'wait'; readonly reason: string }

/**
 * The default strategy: sell what the next slot leaves above the line, buy what it lacks below the other line, else
 * wait. Dumb on purpose: everybody understands it. Another strategy is another function of this type.
 */
export type Strategy = (outlook: Outlook, preferences: Preferences) => Decision

export const thresholds: Strategy = ({ socWh, battery, loadWh, solarWh }, { sellAbovePercent, buyBelowPercent }) => {
  const percent = battery.capacityWh === 0 ? 0 : (100 * socWh) / battery.capacityWh
  const level = `battery at ${percent.toFixed(0)} %`
  const lineWh = Math.max(battery.reserveWh, Math.ceil((battery.capacityWh * sellAbovePercent) / 100))
  const spareWh = Math.max(0, socWh - lineWh) + solarWh - loadWh
  if (percent > sellAbovePercent && spareWh > 0) {
    return {
      action: 'sell',
      energyWh: spareWh,
      reason: `${level}, above ${sellAbovePercent} %: ${spareWh} Wh to spare`,
    }
  }
  const lackWh = loadWh - solarWh
  if (percent < buyBelowPercent && lackWh > 0) {
    return { action: 'buy', energyWh: lackWh, reason: `${level}, below ${buyBelowPercent} %: ${lackWh} Wh needed` }
  }
  return { action: 'wait', reason: `${level}: between the lines, or nothing needed` }
}

import type { Battery } from './battery.ts'

/** What a strategy sees: the household at the start of the slot to decide about, and what is known of later ones. */
export interface Outlook {
  /** Number of the slot to decide about. */
  readonly slot: number
  readonly socWh: number
  readonly battery: Battery
  /** Expected in the slot to decide about. */
  readonly loadWh: number
  readonly solarWh: number
  /** Expected in the slots after it, the next first. */
  readonly ahead: readonly { readonly loadWh: number; readonly solarWh: number }[]
  readonly prices: Prices
}

/** A kWh in millionths. */
export interface Prices {
  /** What the utility takes. */
  readonly retailMicro: number
  /** What the grid pays for what nobody bought. */
  readonly feedInMicro: number
  /** What this household asks of its neighbours. */
  readonly sellMicro: number
  /** The cheapest a neighbour offers for the slot, landed: with grid fee and utility's share; undefined: nobody yet. */
  readonly bestOfferMicro: number | undefined
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
  if (battery.capacityWh === 0) return withoutBattery(solarWh - loadWh)
  const percent = (100 * socWh) / battery.capacityWh
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

/** Without a battery there are no lines: what the sun leaves is sold, what it lacks is bought. */
function withoutBattery(overWh: number): Decision {
  if (overWh > 0) return { action: 'sell', energyWh: overWh, reason: `no battery: the sun leaves ${overWh} Wh` }
  if (overWh < 0) return { action: 'buy', energyWh: -overWh, reason: `no battery: ${-overWh} Wh needed` }
  return { action: 'wait', reason: 'no battery, and nothing needed or left' }
}

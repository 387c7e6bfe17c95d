/** A house as one heat capacity behind one resistance, and its heat pump. */
export interface House {
  /** Of each slot, °C. */
  readonly outside: readonly number[]
  /** Of each slot, a kWh. */
  readonly prices: readonly number[]
  /** Inside as it begins, °C. */
  readonly start: number
  readonly band: readonly [low: number, high: number]
  /** Lost in a slot for each kelvin between inside and outside. */
  readonly lossKwhPerK: number
  readonly capacityKwhPerK: number
  /** Heat for each kWh of electricity. */
  readonly cop: number
  /** Electric, in a slot at the highest level. */
  readonly powerKwh: number
  /** Levels above 0. */
  readonly levels: number
  /** What a kelvin outside of the band costs in a slot. */
  readonly discomfort: number
  /** What a kelvin is worth at the end. */
  readonly endWorth: number
}

export interface HeatRun {
  readonly cost: number
  readonly discomfortKSlots: number
  /** Inside at the end, °C. */
  readonly end: number
  readonly levels: readonly number[]
}

/** Temperatures this far apart are told apart. */
const STEP_K = 0.01
/** A plan looks so far below and above the band. */
const MARGIN_K = 3

/** Inside at the end of a slot. */
function after(house: House, inside: number, slot: number, level: number): number {
  const { outside, lossKwhPerK, cop, powerKwh, levels, capacityKwhPerK } = house
  const lost = lossKwhPerK * ((outside[slot] ?? 0) - inside)
  return inside + (lost + (cop * powerKwh * level) / levels) / capacityKwhPerK
}

function costOf({ prices, powerKwh, levels }: House, slot: number, level: number): number {
  return ((prices[slot] ?? 0) * powerKwh * level) / levels
}

function outsideBand({ band: [low, high] }: House, inside: number): number {
  return Math.max(0, low - inside) + Math.max(0, inside - high)
}

/** What comes of choosing these levels, slot by slot. */
function run(house: House, choose: (slot: number, inside: number) => number): HeatRun {
  let [inside, cost, discomfortKSlots] = [house.start, 0, 0]
  const levels = house.prices.map((_, slot) => {
    const level = choose(slot, inside)
    cost += costOf(house, slot, level)
    inside = after(house, inside, slot, level)
    discomfortKSlots += outsideBand(house, inside)
    return level
  })
  return { cost, discomfortKSlots, end: inside, levels }
}

/** All or nothing, about the middle of the band. */
export function thermostat(house: House): HeatRun {
  const [low, high] = house.band
  return run(house, (_, inside) => (inside < (low + high) / 2 ? house.levels : 0))
}

/** The cheapest way through the slots, cold and heat counted: a dynamic programme over temperatures. */
export function planHeat(house: House): HeatRun {
  const [low, high] = house.band
  const least = Math.min(low, house.start) - MARGIN_K
  const count = Math.ceil((Math.max(high, house.start) + MARGIN_K - least) / STEP_K) + 1
  const grid: Grid = { least, count }
  const values = valuesBack(house, grid)
  return run(house, (slot, inside) => cheapestLevel(house, { slot, inside }, at => lookUp(values[slot + 1], grid, at)))
}

interface Grid {
  readonly least: number
  readonly count: number
}

/** For each slot, what is still to be paid, by the temperature as it begins; and after the last. */
function valuesBack(house: House, { least, count }: Grid): Float64Array[] {
  const slots = house.prices.length
  const values = Array.from({ length: slots + 1 }, () => new Float64Array(count))
  const temperature = (i: number): number => least + i * STEP_K
  values[slots]?.forEach((_, i, last) => {
    last[i] = -house.endWorth * temperature(i)
  })
  for (let slot = slots - 1; slot >= 0; slot--) {
    const later = (at: number): number => lookUp(values[slot + 1], { least, count }, at)
    values[slot]?.forEach((_, i, now) => {
      const inside = temperature(i)
      now[i] = costAt(house, { slot, inside, level: cheapestLevel(house, { slot, inside }, later) }, later)
    })
  }
  return values
}

function cheapestLevel(
  house: House,
  { slot, inside }: { readonly slot: number; readonly inside: number },
  later: (inside: number) => number,
): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY]
  for (let level = 0; level <= house.levels; level++) {
    const cost = costAt(house, { slot, inside, level }, later)
    if (cost < least) [best, least] = [level, cost]
  }
  return best
}

function costAt(
  house: House,
  { slot, inside, level }: { readonly slot: number; readonly inside: number; readonly level: number },
  later: (inside: number) => number,
): number {
  const end = after(house, inside, slot, level)
  return costOf(house, slot, level) + house.discomfort * outsideBand(house, end) + later(end)
}

/** Between two temperatures of the grid in proportion; beyond it, as at its edge. */
function lookUp(values: Float64Array | undefined, { least, count }: Grid, inside: number): number {
  const at = Math.min(count - 1, Math.max(0, (inside - least) / STEP_K))
  const below = Math.floor(at)
  const [one, other] = [values?.[below] ?? 0, values?.[Math.min(count - 1, below + 1)] ?? 0]
  return one + (other - one) * (at - below)
}

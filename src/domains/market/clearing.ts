import type { Bounds, Lot, Zone } from './lots.ts'

/** Units that may be filled, or given back, at a value. */
interface Part {
  readonly lot: Lot
  readonly units: number
  /** 1: filling it; −1: its owner steps back. */
  readonly sign: 1 | -1
}

/** Fills the lots: first inside each zone as much as pays, then between zones what pays more than the fee. */
export function clear(zones: readonly Zone[], { feeMicro }: Bounds): void {
  for (const { buys, sells } of zones) {
    const [takes, gives] = [buys.map(whole), sells.map(whole)]
    meet(takes, gives, (take, give) => take >= give)
  }
  if (feeMicro === undefined || feeMicro === 0) return
  const takes = zones.flatMap(({ buys, sells }) => [...buys.map(unfilled), ...sells.map(steppingBack)])
  const gives = zones.flatMap(({ buys, sells }) => [...sells.map(unfilled), ...buys.map(steppingBack)])
  meet(sorted(takes, -1), sorted(gives, 1), (take, give) => take - give > feeMicro)
}

const whole = (lot: Lot): Part => ({ lot, units: lot.units, sign: 1 })
const unfilled = (lot: Lot): Part => ({ lot, units: lot.units - lot.filled, sign: 1 })
const steppingBack = (lot: Lot): Part => ({ lot, units: lot.filled, sign: -1 })

function sorted(parts: readonly Part[], direction: 1 | -1): Part[] {
  return parts.filter(({ units }) => units > 0).sort((a, b) => direction * (a.lot.valueMicro - b.lot.valueMicro))
}

/** The dearest takes meet the cheapest gives as long as both gain. */
function meet(
  takes: readonly Part[],
  gives: readonly Part[],
  gains: (takeMicro: number, giveMicro: number) => boolean,
): void {
  const volume = volumeOf(takes, gives, gains)
  fill(takes, volume)
  fill(gives, volume)
}

function volumeOf(
  takes: readonly Part[],
  gives: readonly Part[],
  gains: (takeMicro: number, giveMicro: number) => boolean,
): number {
  let volume = 0
  let [t, g, taken, given] = [0, 0, 0, 0]
  for (let take = takes[0], give = gives[0]; take !== undefined && give !== undefined; ) {
    if (!gains(take.lot.valueMicro, give.lot.valueMicro)) break
    const units = Math.min(take.units - taken, give.units - given)
    volume += units
    taken += units
    given += units
    if (taken === take.units) {
      take = takes[++t]
      taken = 0
    }
    if (given === give.units) {
      give = gives[++g]
      given = 0
    }
  }
  return volume
}

/** Best first; the group of one value that does not fit whole is shared. */
function fill(parts: readonly Part[], volume: number): void {
  let left = volume
  for (let from = 0; from < parts.length && left > 0; ) {
    const group = groupAt(parts, from)
    from += group.length
    const together = group.reduce((sum, { units }) => sum + units, 0)
    if (together <= left) for (const part of group) add(part, part.units)
    else share(group, left, together)
    left -= Math.min(left, together)
  }
}

function groupAt(parts: readonly Part[], from: number): readonly Part[] {
  const valueMicro = parts[from]?.lot.valueMicro
  let to = from
  while (parts[to]?.lot.valueMicro === valueMicro && to < parts.length) to++
  return parts.slice(from, to)
}

/** In proportion to their units, and one unit more to the largest remainders; of equals the smaller tie first. */
function share(group: readonly Part[], left: number, together: number): void {
  // Products of units exceed what a number holds exactly.
  const [room, all] = [BigInt(left), BigInt(together)]
  const shares = group.map(part => {
    const product = BigInt(part.units) * room
    return { part, units: Number(product / all), remainder: product % all }
  })
  let rest = left - shares.reduce((sum, { units }) => sum + units, 0)
  shares.sort((a, b) => (a.remainder === b.remainder ? byTie(a.part, b.part) : a.remainder > b.remainder ? -1 : 1))
  for (const { part, units } of shares) add(part, units + (rest-- > 0 ? 1 : 0))
}

function byTie(a: Part, b: Part): number {
  return a.lot.tie < b.lot.tie ? -1 : 1
}

function add({ lot, sign }: Part, units: number): void {
  lot.filled += sign * units
}

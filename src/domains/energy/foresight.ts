import { type Battery, givesWh, type SlotFlows, settleSlot } from './battery.ts'
import type { Profile } from './profile.ts'

/** What is sold or on offer of a slot, by its number, in Wh. One that is over is not promised any more. */
export type Promised = ReadonlyMap<number, number>

export interface ForesightDeps {
  readonly battery: Battery
  readonly initialSocWh: number
  readonly profile: Profile
  readonly store: {
    household(): { readonly socWh: number; readonly nextSlot: number } | undefined
    tradedWh(slotNumber: number): { readonly boughtWh: number }
  }
}

/** A slot as it is expected, sales left open. */
interface Expected extends Omit<SlotFlows, 'soldWh'> {
  readonly slot: number
}

/** The slots ahead, and the battery at the beginning of the first. */
interface Foreseen {
  readonly battery: Battery
  readonly socWh: number
  readonly ahead: readonly Expected[]
}

/** What battery and sun lack for these promises, by slot, in Wh: only slots that lack something, the first first. */
export function lackingWh(promised: Promised, deps: ForesightDeps): ReadonlyMap<number, number> {
  return promised.size === 0 ? new Map() : lackingOf(promised, foresee([...promised.keys()], deps))
}

/** The most of `wantedWh` that can be sold of a slot beside these promises, none of which may lack more by it. */
export function roomWh(
  promised: Promised,
  { slot, wantedWh }: { readonly slot: number; readonly wantedWh: number },
  deps: ForesightDeps,
): number {
  const foreseen = foresee([slot, ...promised.keys()], deps)
  const before = lackingOf(promised, foreseen)
  const fits = (energyWh: number): boolean => {
    const after = lackingOf(new Map(promised).set(slot, (promised.get(slot) ?? 0) + energyWh), foreseen)
    return [...after].every(([number, lackWh]) => lackWh <= (before.get(number) ?? 0))
  }
  // The more is sold of one slot, the less is in the battery in all that follow: halving finds the most that fits.
  let [sureWh, mostWh] = [0, Math.max(0, wantedWh)]
  while (sureWh < mostWh) {
    const middleWh = Math.ceil((sureWh + mostWh) / 2)
    if (fits(middleWh)) sureWh = middleWh
    else mostWh = middleWh - 1
  }
  return sureWh
}

/** The slots up to the last of these, from the running one on or, before the first turn, from the first of these. */
function foresee(slots: readonly number[], { battery, initialSocWh, profile, store }: ForesightDeps): Foreseen {
  const kept = store.household()
  const first = kept?.nextSlot ?? Math.min(...slots)
  const ahead = Array.from({ length: Math.max(0, Math.max(...slots) + 1 - first) }, (_, i) => {
    const slot = first + i
    return { slot, ...profile(slot), boughtWh: store.tradedWh(slot).boughtWh }
  })
  return { battery, socWh: kept?.socWh ?? initialSocWh, ahead }
}

function lackingOf(promised: Promised, { battery, socWh: nowWh, ahead }: Foreseen): ReadonlyMap<number, number> {
  const lacking = new Map<number, number>()
  let socWh = nowWh
  for (const { slot, ...expected } of ahead) {
    const flows = { ...expected, soldWh: promised.get(slot) ?? 0 }
    const lackWh = flows.soldWh - sparedWh(socWh, flows, battery)
    if (lackWh > 0) lacking.set(slot, lackWh)
    socWh = settleSlot(socWh, flows, battery).socWh
  }
  return lacking
}

/** What a slot leaves to be sold, sales not taken off: an offer says what there is in all. */
export function sparedWh(
  socWh: number,
  { loadWh, solarWh, boughtWh }: Omit<SlotFlows, 'soldWh'>,
  battery: Battery,
): number {
  return Math.max(0, solarWh + boughtWh - loadWh + givesWh(socWh, battery))
}

import { type Outcome, outcome } from '../../kernel/outcome.ts'
import { type Battery, givesWh, type SlotFlows, type SlotResult, settleSlot, takesWh } from './battery.ts'
import type { ReadingFact } from './meter/reading-chain.ts'
import type { Profile } from './profile.ts'
import { type Decision, type Outlook, type Preferences, type Prices, type Strategy, thresholds } from './strategy.ts'

export interface HouseholdState {
  readonly socWh: number
  /** The first slot not settled yet. */
  readonly nextSlot: number
  readonly totals: Totals
  /** The last decision, in words. */
  readonly reason: string
}

interface Totals {
  readonly loadWh: number
  readonly solarWh: number
  readonly boughtWh: number
  readonly soldWh: number
  readonly importedWh: number
  readonly exportedWh: number
  readonly lossWh: number
}

/** One slot that is over, in whole Wh: what flowed, and the state of charge at its end. */
export interface SettledSlot extends SlotFlows, SlotResult {
  readonly slot: number
}

/** What was decided about a slot, and why; kept for the person who asks. */
export interface KeptDecision {
  readonly slot: number
  readonly action: Decision['action']
  /** 0 when it waits. */
  readonly energyWh: number
  readonly reason: string
  /** Wall-clock time. */
  readonly atMs: number
}

export type EnergyFact =
  | { readonly kind: 'energy.household'; readonly household: HouseholdState }
  /** One for each slot; the latest thousands are enough. */
  | { readonly kind: 'energy.slot'; readonly slot: SettledSlot }
  /** One for each slot; the last 1,000 are enough. */
  | { readonly kind: 'energy.decision'; readonly decision: KeptDecision }
  | ReadingFact

export interface HouseholdDeps {
  readonly battery: Battery
  readonly initialSocWh: number
  readonly preferences: Preferences
  readonly profile: Profile
  readonly strategy?: Strategy
  /** Wall-clock time. */
  now(): number
  readonly store: {
    household(): HouseholdState | undefined
    /** Energy of this peer's contracts for a slot. */
    tradedWh(slotNumber: number): { boughtWh: number; soldWh: number }
  }
}

export interface Household {
  /** Settles every slot before `currentSlot` and decides about the one after it. `prices`: what is known of those of that one. */
  turn(currentSlot: number, prices: Prices): { outcome: Outcome<EnergyFact>; decision: Decision }
  /** What battery and sun lack for these promises, by slot, in Wh: only the slots that lack something, the first first. */
  lackingWh(promised: Promised): ReadonlyMap<number, number>
  /** The most of `wantedWh` that can be sold of a slot beside these promises without any of them lacking more than it does. */
  roomWh(promised: Promised, slot: number, wantedWh: number): number
}

/** What is sold or on offer of a slot, by its number, in Wh. One that is over is not promised any more. */
type Promised = ReadonlyMap<number, number>

/** Slots a household that was away settles at once; older ones are gone. */
const MAX_CATCH_UP = 1_000
/** How far a strategy sees: a day of quarter-hours. */
const SLOTS_AHEAD = 96

const NOTHING: Totals = {
  loadWh: 0,
  solarWh: 0,
  boughtWh: 0,
  soldWh: 0,
  importedWh: 0,
  exportedWh: 0,
  lossWh: 0,
}

export function createHousehold(deps: HouseholdDeps): Household {
  const { battery, profile, store, strategy = thresholds } = deps

  function settle(socWh: number, slot: number): SettledSlot {
    const { loadWh, solarWh } = profile(slot)
    const { boughtWh, soldWh } = store.tradedWh(slot)
    const flows = { loadWh, solarWh, boughtWh, soldWh }
    return { slot, ...flows, ...settleSlot(socWh, flows, battery) }
  }

  function outlook(slot: number, socWh: number, prices: Prices): Outlook {
    const ahead = Array.from({ length: SLOTS_AHEAD }, (_, i) => profile(slot + 1 + i))
    return { slot, socWh, battery, ...profile(slot), ahead, prices }
  }

  /** The slots up to the last one promised, from the running one on or, before the first turn, from the first promised. */
  function foreseen(slots: readonly number[]): (promised: Promised) => ReadonlyMap<number, number> {
    const kept = store.household()
    const first = kept?.nextSlot ?? Math.min(...slots)
    const ahead = Array.from({ length: Math.max(0, Math.max(...slots) + 1 - first) }, (_, i) => {
      const slot = first + i
      return { slot, ...profile(slot), boughtWh: store.tradedWh(slot).boughtWh }
    })
    return promised => {
      const lacking = new Map<number, number>()
      let socWh = kept?.socWh ?? deps.initialSocWh
      for (const { slot, ...expected } of ahead) {
        const flows = { ...expected, soldWh: promised.get(slot) ?? 0 }
        const lackWh = flows.soldWh - sparedWh({ ...flows, socWh, battery }, flows)
        if (lackWh > 0) lacking.set(slot, lackWh)
        socWh = settleSlot(socWh, flows, battery).socWh
      }
      return lacking
    }
  }

  return {
    lackingWh: promised => (promised.size === 0 ? new Map() : foreseen([...promised.keys()])(promised)),
    roomWh(promised, slot, wantedWh) {
      const lackingAt = foreseen([slot, ...promised.keys()])
      const before = lackingAt(promised)
      const fits = (energyWh: number): boolean => {
        const after = lackingAt(new Map(promised).set(slot, (promised.get(slot) ?? 0) + energyWh))
        return [...after].every(([number, lackWh]) => lackWh <= (before.get(number) ?? 0))
      }
      // The more is sold of one slot, the less is in the battery in all that follow: halving finds the most that fits.
      let [roomWh, mostWh] = [0, Math.max(0, wantedWh)]
      while (roomWh < mostWh) {
        const middleWh = Math.ceil((roomWh + mostWh) / 2)
        if (fits(middleWh)) roomWh = middleWh
        else mostWh = middleWh - 1
      }
      return roomWh
    },
    turn(currentSlot, prices) {
      const kept = store.household()
      let state: HouseholdState = {
        socWh: kept?.socWh ?? deps.initialSocWh,
        nextSlot: kept?.nextSlot ?? currentSlot,
        totals: { ...NOTHING, ...kept?.totals },
        reason: kept?.reason ?? '',
      }
      const settled: SettledSlot[] = []
      for (let slot = Math.max(state.nextSlot, currentSlot - MAX_CATCH_UP); slot < currentSlot; slot++) {
        const over = settle(state.socWh, slot)
        settled.push(over)
        state = { ...state, socWh: over.socWh, nextSlot: slot + 1, totals: sum(state.totals, over) }
      }
      // What the running slot will have done by its end, sales included: nothing is offered twice.
      const { socWh } = settle(state.socWh, currentSlot)
      const ahead = outlook(currentSlot + 1, socWh, prices)
      const decision = limited(strategy(ahead, deps.preferences), ahead, store.tradedWh(currentSlot + 1))
      const facts: EnergyFact[] = [
        ...settled.map(slot => ({ kind: 'energy.slot', slot }) as const),
        { kind: 'energy.household', household: { ...state, reason: decision.reason } },
        { kind: 'energy.decision', decision: keptDecision(currentSlot + 1, decision, deps.now()) },
      ]
      return { outcome: outcome(facts), decision }
    },
  }
}

function sum(totals: Totals, slot: SettledSlot): Totals {
  return {
    loadWh: totals.loadWh + slot.loadWh,
    solarWh: totals.solarWh + slot.solarWh,
    boughtWh: totals.boughtWh + slot.boughtWh,
    soldWh: totals.soldWh + slot.soldWh,
    importedWh: totals.importedWh + slot.importedWh,
    exportedWh: totals.exportedWh + slot.exportedWh,
    lossWh: totals.lossWh + slot.lossWh,
  }
}

/**
 * No strategy sells what the battery and the sun cannot deliver in that slot, or buys what the household has no room
 * for. What is bought already counts; what is sold already does not, because an offer says what there is in all.
 */
function limited(
  decision: Decision,
  { socWh, battery, loadWh, solarWh }: Outlook,
  traded: { readonly boughtWh: number; readonly soldWh: number },
): Decision {
  if (decision.action === 'wait') return decision
  const overWh = solarWh + traded.boughtWh - loadWh
  const mostWh =
    decision.action === 'sell'
      ? sparedWh({ socWh, battery, loadWh, solarWh }, traded)
      : Math.max(0, takesWh(socWh, battery) + traded.soldWh - overWh)
  if (decision.energyWh <= mostWh) return decision
  const why = decision.action === 'sell' ? 'can be delivered' : 'can be taken'
  const reason = `${decision.reason}; no more than ${mostWh} Wh ${why} in that slot`
  return mostWh === 0 ? { action: 'wait', reason } : { ...decision, energyWh: mostWh, reason }
}

/** What a slot leaves to be sold, sales not taken off: an offer says what there is in all. */
function sparedWh(
  { socWh, battery, loadWh, solarWh }: Pick<Outlook, 'socWh' | 'battery' | 'loadWh' | 'solarWh'>,
  { boughtWh }: { readonly boughtWh: number },
): number {
  return Math.max(0, solarWh + boughtWh - loadWh + givesWh(socWh, battery))
}

function keptDecision(slot: number, decision: Decision, atMs: number): KeptDecision {
  const { action, reason } = decision
  return { slot, action, energyWh: decision.action === 'wait' ? 0 : decision.energyWh, reason, atMs }
}

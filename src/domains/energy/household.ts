import { type Outcome, outcome } from '../../kernel/outcome.ts'
import { type Battery, type SlotFlows, type SlotResult, settleSlot, takesWh } from './battery.ts'
import { lackingWh, type Promised, roomWh, sparedWh } from './foresight.ts'
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
  /** What these promises lack, by slot: see `foresight.ts`. */
  lackingWh(promised: Promised): ReadonlyMap<number, number>
  /** What can be sold of a slot beside these promises, at most `wantedWh`: see `foresight.ts`. */
  roomWh(promised: Promised, slot: number, wantedWh: number): number
}

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
  return {
    lackingWh: promised => lackingWh(promised, deps),
    roomWh: (promised, slot, wantedWh) => roomWh(promised, { slot, wantedWh }, deps),
    turn(currentSlot, prices) {
      const { state, settled } = settleUntil(currentSlot, deps)
      // What the running slot will have done by its end, sales included: nothing is offered twice.
      const { socWh } = settle(currentSlot, state.socWh, deps)
      const decision = decide(outlookOn(currentSlot + 1, { socWh, prices }, deps), deps)
      const facts: EnergyFact[] = [
        ...settled.map(slot => ({ kind: 'energy.slot', slot }) as const),
        { kind: 'energy.household', household: { ...state, reason: decision.reason } },
        { kind: 'energy.decision', decision: keptDecision(currentSlot + 1, decision, deps.now()) },
      ]
      return { outcome: outcome(facts), decision }
    },
  }
}

/** Settles the slots that are over, from where the household stands. */
function settleUntil(
  currentSlot: number,
  deps: HouseholdDeps,
): { readonly state: HouseholdState; readonly settled: readonly SettledSlot[] } {
  let state = stateBefore(currentSlot, deps)
  const settled: SettledSlot[] = []
  for (let slot = Math.max(state.nextSlot, currentSlot - MAX_CATCH_UP); slot < currentSlot; slot++) {
    const over = settle(slot, state.socWh, deps)
    settled.push(over)
    state = { ...state, socWh: over.socWh, nextSlot: slot + 1, totals: sum(state.totals, over) }
  }
  return { state, settled }
}

/** As it was kept; in the first turn of all, as it begins. */
function stateBefore(currentSlot: number, { store, initialSocWh }: HouseholdDeps): HouseholdState {
  const kept = store.household()
  return {
    socWh: kept?.socWh ?? initialSocWh,
    nextSlot: kept?.nextSlot ?? currentSlot,
    totals: { ...NOTHING, ...kept?.totals },
    reason: kept?.reason ?? '',
  }
}

function settle(slot: number, socWh: number, { battery, profile, store }: HouseholdDeps): SettledSlot {
  const { loadWh, solarWh } = profile(slot)
  const { boughtWh, soldWh } = store.tradedWh(slot)
  const flows = { loadWh, solarWh, boughtWh, soldWh }
  return { slot, ...flows, ...settleSlot(socWh, flows, battery) }
}

function outlookOn(
  slot: number,
  { socWh, prices }: { readonly socWh: number; readonly prices: Prices },
  { battery, profile }: HouseholdDeps,
): Outlook {
  const ahead = Array.from({ length: SLOTS_AHEAD }, (_, i) => profile(slot + 1 + i))
  return { slot, socWh, battery, ...profile(slot), ahead, prices }
}

function decide(outlook: Outlook, { strategy = thresholds, preferences, store }: HouseholdDeps): Decision {
  return limited(strategy(outlook, preferences), outlook, store.tradedWh(outlook.slot))
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
      ? sparedWh(socWh, { loadWh, solarWh, boughtWh: traded.boughtWh }, battery)
      : Math.max(0, takesWh(socWh, battery) + traded.soldWh - overWh)
  if (decision.energyWh <= mostWh) return decision
  const why = decision.action === 'sell' ? 'can be delivered' : 'can be taken'
  const reason = `${decision.reason}; no more than ${mostWh} Wh ${why} in that slot`
  return mostWh === 0 ? { action: 'wait', reason } : { ...decision, energyWh: mostWh, reason }
}

function keptDecision(slot: number, decision: Decision, atMs: number): KeptDecision {
  const { action, reason } = decision
  return { slot, action, energyWh: decision.action === 'wait' ? 0 : decision.energyWh, reason, atMs }
}

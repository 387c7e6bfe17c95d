import { type Outcome, outcome } from '../kernel/outcome.ts'
import { type Battery, settleSlot } from './battery.ts'
import type { Profile } from './profile.ts'
import { type Decision, type Preferences, type Strategy, thresholds } from './strategy.ts'

export interface HouseholdState {
  readonly socWh: number
  /** The first slot not settled yet. */
  readonly nextSlot: number
  readonly totals: {
    readonly loadWh: number
    readonly solarWh: number
    readonly importedWh: number
    readonly exportedWh: number
  }
  /** The last decision, in words. */
  readonly reason: string
}

export type EnergyFact = { readonly kind: 'household'; readonly household: HouseholdState }

export interface HouseholdDeps {
  readonly battery: Battery
  readonly initialSocWh: number
  readonly preferences: Preferences
  readonly profile: Profile
  readonly strategy?: Strategy
  readonly store: {
    household(): HouseholdState | undefined
    /** Energy of this peer's contracts for a slot. */
    tradedWh(slotNumber: number): { boughtWh: number; soldWh: number }
  }
}

export interface Household {
  /** Settles every slot before `currentSlot` and decides about the one after it. */
  turn(currentSlot: number): { outcome: Outcome<EnergyFact>; decision: Decision }
}

/** Slots a household that was away settles at once; older ones are gone. */
const MAX_CATCH_UP = 1_000

export function createHousehold(deps: HouseholdDeps): Household {
  const { battery, profile, store, strategy = thresholds } = deps

  function settle(from: HouseholdState, slot: number): HouseholdState {
    const { loadWh, solarWh } = profile(slot)
    const result = settleSlot(from.socWh, { loadWh, solarWh, ...store.tradedWh(slot) }, battery)
    const { totals } = from
    return {
      ...from,
      socWh: result.socWh,
      nextSlot: slot + 1,
      totals: {
        loadWh: totals.loadWh + loadWh,
        solarWh: totals.solarWh + solarWh,
        importedWh: totals.importedWh + result.importedWh,
        exportedWh: totals.exportedWh + result.exportedWh,
      },
    }
  }

  return {
    turn(currentSlot) {
      let state: HouseholdState = store.household() ?? {
        socWh: deps.initialSocWh,
        nextSlot: currentSlot,
        totals: { loadWh: 0, solarWh: 0, importedWh: 0, exportedWh: 0 },
        reason: '',
      }
      const first = Math.max(state.nextSlot, currentSlot - MAX_CATCH_UP)
      for (let slot = first; slot < currentSlot; slot++) state = settle(state, slot)
      // What the running slot will have done by its end, sales included: nothing is offered twice.
      const { socWh } = settle(state, currentSlot)
      const decision = strategy({ socWh, battery, ...profile(currentSlot + 1) }, deps.preferences)
      return { outcome: outcome([{ kind: 'household', household: { ...state, reason: decision.reason } }]), decision }
    },
  }
}

/** A day of surplus as a household would plan it, without a daemon. */
export type { Preferences } from './preferences.ts'
export { type SlotPrices, type SurplusSlot, surplusDay } from './surplus-plan.ts'

import { slotStartMs } from '../kernel/slot.ts'
import { isBinding } from './figures.ts'
import type { BalanceRow, ReportTrade } from './report-data.ts'

/** What one household's slot came to, as the household counts it: what it bought is bought from anybody. */
export interface HouseSlot {
  readonly slot: number
  readonly loadWh: number
  readonly solarWh: number
  readonly boughtWh: number
  readonly soldWh: number
  /** Beyond what was traded. */
  readonly importedWh: number
  readonly exportedWh: number
  readonly lossWh: number
}

/**
 * Slots of one household, or of several together, as rows of a report. What `trades` bought of the utility is taken out
 * of what came from neighbours; they are those households' purchases, and as agreed, for that is what a slot counts.
 */
export function balanceOf(slots: readonly HouseSlot[], trades: readonly ReportTrade[], slotMs: number): BalanceRow[] {
  const fromUtility = Map.groupBy(
    trades.filter(trade => trade.fromUtility && isBinding(trade)),
    trade => trade.slotStartMs,
  )
  return [...Map.groupBy(slots, ({ slot }) => slotStartMs(slot, slotMs))]
    .toSorted(([a], [b]) => a - b)
    .map(([slotStartMs, settled]) => {
      const sum = (of: (slot: HouseSlot) => number): number => settled.reduce((wh, slot) => wh + of(slot), 0)
      const utilityWh = (fromUtility.get(slotStartMs) ?? []).reduce((wh, { energyWh }) => wh + energyWh, 0)
      return {
        slotStartMs,
        loadWh: sum(slot => slot.loadWh),
        solarWh: sum(slot => slot.solarWh),
        boughtWh: sum(slot => slot.boughtWh) - utilityWh,
        soldWh: sum(slot => slot.soldWh),
        importedWh: sum(slot => slot.importedWh) + utilityWh,
        exportedWh: sum(slot => slot.exportedWh),
      }
    })
}

/**
 * By how much one household's battery is emptier after these slots, in Wh; 0 when it is fuller. Energy is neither made
 * nor lost: what went out beyond what came in was in the battery.
 */
export function drawnWh(slots: readonly HouseSlot[]): number {
  const emptierWh = slots.reduce((sum, slot) => {
    const out = slot.loadWh + slot.soldWh + slot.exportedWh + slot.lossWh
    return sum + out - slot.solarWh - slot.boughtWh - slot.importedWh
  }, 0)
  return Math.max(0, emptierWh)
}

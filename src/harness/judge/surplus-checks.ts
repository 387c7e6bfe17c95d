import type { SurplusSlot } from '../../domains/manners/offline.ts'
import { roundKwhText, wattHoursOver } from '../../kernel/energy.ts'
import type { HomeDay, SurplusStreet } from '../scenario/surplus-days.ts'
import type { Invariant } from './invariant.ts'

/** One home over all days; energy in Wh, money in millionths. */
export interface HomeFigures {
  readonly home: string
  readonly surplusWh: number
  /** On surplus; the part of it that ran on after the surplus had ended. */
  readonly computedWh: number
  readonly uncoveredWh: number
  readonly forcedWh: number
  readonly soldWh: number
  readonly earnedMicro: number
  readonly exportOnlyMicro: number
  /** Slots in which work ran that neither a surplus nor the stop after it accounts for. */
  readonly unfounded: number
  /** Days that earned less than export alone. */
  readonly poorerDays: number
  /** Work that was not done by midnight. */
  readonly leftWh: number
}

/** What `--json` writes. */
export interface SurplusReport {
  readonly scenario: 'surplus'
  readonly days: number
  readonly homes: readonly HomeFigures[]
  readonly totals: Omit<HomeFigures, 'home'>
  readonly invariants: readonly Invariant[]
}

/** Below this a difference of two sums of fractions is none. */
const NOTHING_WH = 1e-6
/** Each slot's money is rounded by itself. */
const ROUNDED_MICRO = 1

export function surplusReport(street: SurplusStreet): SurplusReport {
  const byHome = Map.groupBy(street.days, ({ home }) => home)
  const homes = street.homes.map(home => figuresOf(home, byHome.get(home) ?? [], street))
  const totals = sumOf(homes)
  const days = Math.max(0, ...street.days.map(({ day }) => day + 1))
  return { scenario: 'surplus', days, homes, totals, invariants: judged(homes, totals, street) }
}

function figuresOf(home: string, days: readonly HomeDay[], street: SurplusStreet): HomeFigures {
  const slots = days.flatMap(day => day.slots)
  const sum = (of: (slot: SurplusSlot) => number): number => slots.reduce((total, slot) => total + of(slot), 0)
  return {
    home,
    surplusWh: sum(({ surplusW }) => wattHoursOver(Math.max(0, surplusW), street.slotMs)),
    computedWh: sum(slot => slot.computedWh),
    uncoveredWh: sum(slot => slot.uncoveredWh),
    forcedWh: sum(slot => slot.forcedWh),
    soldWh: sum(slot => slot.soldWh),
    earnedMicro: sum(slot => slot.earnedMicro),
    exportOnlyMicro: sum(slot => slot.exportOnlyMicro),
    unfounded: days.reduce((total, day) => total + unfounded(day.slots, street), 0),
    poorerDays: days.filter(isPoorer).length,
    leftWh: days.reduce((total, day) => total + leftOf(day, street.workWh), 0),
  }
}

/**
 * Slots in which unforced work took energy that was not there: more than one task draws in the time a stop takes, or
 * anything where nothing ran just before.
 */
export function unfounded(slots: readonly SurplusSlot[], { preferences }: Pick<SurplusStreet, 'preferences'>): number {
  const stopWh = (preferences.taskPowerW * preferences.deficitSeconds) / 3600
  return slots.filter(({ surplusW, computedWh, uncoveredWh }, i) => {
    const before = slots[i - 1]
    const ranBefore = before !== undefined && before.computedWh > NOTHING_WH
    const started = surplusW < preferences.taskPowerW && computedWh > NOTHING_WH && !ranBefore
    return started || uncoveredWh > stopWh + NOTHING_WH
  }).length
}

function isPoorer({ slots }: HomeDay): boolean {
  const more = slots.reduce((sum, slot) => sum + slot.earnedMicro - slot.exportOnlyMicro, 0)
  return more < -ROUNDED_MICRO * slots.length
}

function leftOf({ slots }: HomeDay, workWh: number): number {
  const doneWh = slots.reduce((sum, slot) => sum + slot.computedWh + slot.forcedWh, 0)
  return workWh - doneWh > NOTHING_WH ? workWh - doneWh : 0
}

function sumOf(homes: readonly HomeFigures[]): SurplusReport['totals'] {
  const sum = (of: (home: HomeFigures) => number): number => homes.reduce((total, home) => total + of(home), 0)
  return {
    surplusWh: sum(one => one.surplusWh),
    computedWh: sum(one => one.computedWh),
    uncoveredWh: sum(one => one.uncoveredWh),
    forcedWh: sum(one => one.forcedWh),
    soldWh: sum(one => one.soldWh),
    earnedMicro: sum(one => one.earnedMicro),
    exportOnlyMicro: sum(one => one.exportOnlyMicro),
    unfounded: sum(one => one.unfounded),
    poorerDays: sum(one => one.poorerDays),
    leftWh: sum(one => one.leftWh),
  }
}

function judged(
  homes: readonly HomeFigures[],
  { computedWh, forcedWh, uncoveredWh, unfounded: slots, poorerDays, leftWh }: SurplusReport['totals'],
  { days, preferences }: SurplusStreet,
): Invariant[] {
  const poorer = homes.filter(({ earnedMicro, exportOnlyMicro }) => earnedMicro < exportOnlyMicro)
  return [
    {
      name: 'work ran on surplus at all',
      holds: computedWh > 0,
      detail: `${roundKwhText(computedWh)} on surplus, ${roundKwhText(forcedWh)} by force`,
    },
    {
      name: `no task ran without surplus but forced ones, and for the ${preferences.deficitSeconds} s of a stop`,
      holds: slots === 0,
      detail: `${slots} slots without a reason; ${roundKwhText(uncoveredWh)} ran on until stops`,
    },
    {
      name: 'no household earned less than by export alone',
      holds: poorer.length === 0,
      detail: `${poorer.length} of ${homes.length} homes poorer; ${poorerDays} of ${days.length} days`,
    },
    {
      name: 'all work was done by midnight',
      holds: leftWh === 0,
      detail: `${roundKwhText(leftWh)} left`,
    },
  ]
}

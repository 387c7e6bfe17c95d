import { wholeOf } from './decimal.ts'

/** Energy is integer watt hours; messages and people have kWh. */
const WH_A_KWH = 1000
const HOUR_MS = 3_600_000

export function kwhOf(energyWh: number): number {
  return energyWh / WH_A_KWH
}

/** The watt hours of a kWh figure; undefined when it is none, or finer than a watt hour. */
export function readKwh(kwh: unknown): number | undefined {
  return wholeOf(kwh, WH_A_KWH)
}

/** The nearest watt hour to a kWh figure that was measured or typed. */
export function wattHoursOf(kwh: number): number {
  return Math.round(kwh * WH_A_KWH)
}

/** What energy comes to as even power over that time, a fraction of a watt included. */
export function meanWatts(energyWh: number, durationMs: number): number {
  return (energyWh * HOUR_MS) / durationMs
}

/** What even power comes to over that time, a fraction of a watt hour included. */
export function wattHoursOver(watts: number, durationMs: number): number {
  return (watts * durationMs) / HOUR_MS
}

/** `1.2 kWh`: exact, for logs and reasons. */
export function energyText(energyWh: number): string {
  return `${kwhOf(energyWh)} kWh`
}

/** `1.20 kWh`: rounded, for sums. */
export function roundKwhText(energyWh: number): string {
  return `${kwhOf(energyWh).toFixed(2)} kWh`
}

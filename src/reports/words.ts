import { kwhOf } from '../kernel/energy.ts'
import { peerText } from '../kernel/ids.ts'
import { unitsOf } from '../kernel/money.ts'
import type { ReportPeer } from './report-data.ts'

const LONGEST_NAME = 24

/**
 * What peers call themselves, fit to be read: one line, no control or direction characters, not endless. A peer
 * without a name is known by the end of its id; the first letters of ids are the same for all.
 */
export function namesOf(peers: readonly ReportPeer[]): (peer: string) => string {
  const byId = new Map(peers.map(({ id, name }) => [id, shown(name)]))
  return peer => byId.get(peer) || peerText(shown(peer))
}

function shown(name: string): string {
  const clean = name.replace(/\s+/gu, ' ').replace(/\p{C}/gu, '').trim()
  return clean.length > LONGEST_NAME ? `${clean.slice(0, LONGEST_NAME - 1)}…` : clean
}

export function energy(energyWh: number): string {
  if (Math.abs(energyWh) < 1000) return `${number(energyWh, 0)} Wh`
  const digits = Math.abs(energyWh) < 100_000 ? 2 : 0
  return `${number(kwhOf(energyWh), digits, digits)} kWh`
}

export function money(micro: number, currency: string): string {
  return `${number(unitsOf(micro), 2, 2)} ${currency}`
}

/** @param micro millionths a kWh */
export function price(micro: number): string {
  return number(unitsOf(micro), 4, 4)
}

export function percent(share: number): string {
  return `${number(share * 100, 1, 1)} %`
}

export function counted(count: number, what: string): string {
  return `${number(count, 0)} ${what}${count === 1 ? '' : 's'}`
}

export function number(value: number, mostDigits: number, leastDigits = 0): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: mostDigits, minimumFractionDigits: leastDigits })
}

const STAMP = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
} as const)

/** `1 Jun, 14:15`, in UTC: a report is read by people in other places than where it was written. */
export function stamp(ms: number): string {
  return STAMP.format(ms)
}

/** With its year, for the head of the page. */
export function dated(ms: number): string {
  return `${stamp(ms).replace(',', ` ${new Date(ms).getUTCFullYear()},`)}`
}

/** `15 minutes`, `2 hours`, `1 day`. */
export function span(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const
  const [unit, size] = units.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0) ?? ['second', 1000]
  return counted(ms / size, unit)
}

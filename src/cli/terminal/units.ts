import { kwhOf, wattHoursOf } from '../../kernel/energy.ts'
import { CodedError } from '../../kernel/errors.ts'
import { peerText } from '../../kernel/ids.ts'
import { microOf, unitsOf } from '../../kernel/money.ts'

/** A peer id's last letters tell peers apart; its first are the same for all. */
export function shortPeer(peer: string | undefined): string {
  return peer === undefined ? 'everybody' : peerText(peer)
}

/** An id that a person can copy from a table: enough letters to be unique in practice. */
export function shortId(id: string): string {
  return id.slice(0, 8)
}

export function energy(energyWh: number): string {
  return energyWh < 1000 ? `${energyWh} Wh` : `${trimmed(kwhOf(energyWh), 3)} kWh`
}

/** @param micro millionths a kWh */
export function price(micro: number, currency = ''): string {
  return `${trimmed(unitsOf(micro), 4)}${currency === '' ? '' : ` ${currency}`}/kWh`
}

export function bytes(count: number): string {
  if (count >= 1e9) return `${trimmed(count / 1e9, 1)} GB`
  return `${Math.round(count / 1e6)} MB`
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${trimmed(seconds, 1)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} days`
}

/** The local time of day, and the day when it is not today's. */
export function timeOfDay(ms: number, nowMs: number): string {
  const [day, time] = localParts(ms)
  return day === localParts(nowMs)[0] ? time : `${day} ${time}`
}

function localParts(ms: number): [string, string] {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString()
  return [local.slice(0, 10), local.slice(11, 19)]
}

/** `0.5`, `0.5kWh`, `500Wh`: whole watt hours. A bare number is kWh, as on a bill. */
export function parseEnergy(text: string): number {
  const [, number = '', unit = 'kwh'] = /^(\d+(?:\.\d+)?)\s*(k?wh)?$/i.exec(text.trim()) ?? []
  const energyWh = unit.toLowerCase() === 'wh' ? Math.round(Number(number)) : wattHoursOf(Number(number))
  if (number === '' || energyWh < 1) {
    throw new CodedError('CLI_BAD_ENERGY', `"${text}" is not an amount of energy`, {
      hint: 'write 0.5 or 0.5kWh or 500Wh',
    })
  }
  return energyWh
}

/** `0.25`: millionths a kWh. */
export function parsePrice(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text.trim())) {
    throw new CodedError('CLI_BAD_PRICE', `"${text}" is not a price`, { hint: 'write the price of a kWh, like 0.25' })
  }
  return microOf(Number(text))
}

/** `12.50`: millionths. */
export function parseMoney(text: string): number {
  const micro = /^\d+(\.\d+)?$/.test(text.trim()) ? microOf(Number(text)) : 0
  if (micro < 1 || !Number.isSafeInteger(micro)) {
    throw new CodedError('CLI_BAD_AMOUNT', `"${text}" is not an amount of money`, { hint: 'write it like 12.50' })
  }
  return micro
}

const MAX_COUNT = 1_000_000

export function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > MAX_COUNT) {
    throw new CodedError('CLI_BAD_NUMBER', `"${text}" is not a whole number from 1 to ${MAX_COUNT}`)
  }
  return count
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

import { amount, bestUse } from './best-use.ts'
import type { Conditions } from './conditions.ts'
import { cpuLimitPercent, type History, isUserActive, neededWatts, spareWatts } from './history.ts'
import { minutesUntilOpen, type Preferences, parseHours } from './preferences.ts'

/** Why a machine does not work for others now. */
export type PauseCode =
  /** The machine has not been looked at yet. */
  | 'MANNERS_STARTING'
  /** This peer has not the role: it never works for others. */
  | 'MANNERS_NOT_OFFERED'
  | 'MANNERS_PAUSED'
  | 'MANNERS_ON_BATTERY'
  | 'MANNERS_TOO_HOT'
  | 'MANNERS_METERED'
  | 'MANNERS_HOURS'
  | 'MANNERS_USER_ACTIVE'
  | 'MANNERS_CPU_BUSY'
  | 'MANNERS_NO_MEMORY'
  | 'MANNERS_SURPLUS_UNKNOWN'
  | 'MANNERS_NO_SURPLUS'
  | 'MANNERS_BETTER_USE'
  | 'MANNERS_PRICE_UNKNOWN'
  | 'MANNERS_PRICE_HIGH'

export interface Limits {
  readonly threads: number
  readonly memoryMb: number
}

export interface Allowed {
  readonly allowed: true
  readonly limits: Limits
  /** `working: up to 2 threads and 4096 MB, you are away`. */
  readonly sentence: string
  /** Its energy says no, but work must not wait longer. */
  readonly forced: boolean
}

export interface Paused {
  readonly allowed: false
  readonly code: PauseCode
  /** `paused: on battery`. */
  readonly sentence: string
  /** When it ends, as far as is known; Unix milliseconds. */
  readonly untilMs?: number
}

export type Willingness = Allowed | Paused

type Rule = (preferences: Preferences, conditions: Conditions, history: History) => Paused | undefined

/** In this order: what a person said, what harms the machine or costs money, what disturbs, what does not pay. */
const MACHINE_RULES: readonly Rule[] = [byHand, battery, heat, metered, hours, user, processor, memory]
const ENERGY_RULES: Readonly<Record<Preferences['mode'], Rule | undefined>> = {
  always: undefined,
  idle: undefined,
  surplus,
  cheap,
}

/**
 * Whether this machine may work for others now, and how much of it. Pure: `history` is what `remember` made of all
 * samples, this one included. What no sensor tells does not forbid anything, but surplus and price, which their modes
 * are about.
 */
export function mayWork(preferences: Preferences, conditions: Conditions, history: History): Willingness {
  for (const rule of MACHINE_RULES) {
    const paused = rule(preferences, conditions, history)
    if (paused !== undefined) return paused
  }
  const limits = limitsOf(preferences, conditions)
  const held = ENERGY_RULES[preferences.mode]?.(preferences, conditions, history)
  if (held === undefined) {
    return { allowed: true, limits, forced: false, sentence: working(limits, preferences, conditions) }
  }
  const { waiting, atMs } = conditions
  if (waiting === undefined || waiting.latestStartMs > atMs) return held
  const although = held.sentence.replace(/^paused: /, '')
  const sentence = `working: although ${although}, work has waited ${minutesOf((waiting.takenMs ?? atMs) - waiting.sinceMs)}`
  return { allowed: true, limits, forced: true, sentence }
}

function byHand(_: Preferences, { pausedUntilMs, atMs }: Conditions): Paused | undefined {
  if (pausedUntilMs === undefined || pausedUntilMs <= atMs) return undefined
  return paused('MANNERS_PAUSED', `by you, for another ${span(pausedUntilMs - atMs)}`, pausedUntilMs)
}

function battery({ onBattery }: Preferences, { sensed }: Conditions): Paused | undefined {
  return sensed.onBattery === true && !onBattery ? paused('MANNERS_ON_BATTERY', 'on battery') : undefined
}

function heat({ maxTemperatureC }: Preferences, { sensed }: Conditions, { hot }: History): Paused | undefined {
  if (!hot) return undefined
  const now = Math.round(sensed.temperatureC ?? maxTemperatureC)
  return paused('MANNERS_TOO_HOT', `the processor has ${now} °C, and ${maxTemperatureC} °C is the limit`)
}

function metered({ onMetered }: Preferences, { sensed }: Conditions): Paused | undefined {
  return sensed.metered === true && !onMetered ? paused('MANNERS_METERED', 'the network is metered') : undefined
}

function hours(preferences: Preferences, { minuteOfDay, atMs }: Conditions): Paused | undefined {
  const minutes = minutesUntilOpen(parseHours(preferences.hours), minuteOfDay)
  if (minutes === 0) return undefined
  const untilMs = (Math.floor(atMs / 60_000) + minutes) * 60_000
  return paused('MANNERS_HOURS', `outside its hours (${preferences.hours.join(', ')})`, untilMs)
}

function user(preferences: Preferences, { sensed, atMs }: Conditions): Paused | undefined {
  if (preferences.mode !== 'idle' || !isUserActive(sensed, preferences)) return undefined
  const untilMs = atMs - (sensed.userIdleMs ?? 0) + preferences.idleMinutes * 60_000
  return paused('MANNERS_USER_ACTIVE', 'you are using this machine', untilMs)
}

function processor(preferences: Preferences, { sensed }: Conditions, history: History): Paused | undefined {
  if (!history.busy) return undefined
  const limit = cpuLimitPercent(sensed, preferences)
  const used = Math.round(history.otherCpuPercent ?? 0)
  const who = isUserActive(sensed, preferences) ? 'while you are here' : 'while you are away'
  return paused('MANNERS_CPU_BUSY', `other programs use ${used} % of the processor, the limit is ${limit} % ${who}`)
}

function memory(preferences: Preferences, { sensed, machine }: Conditions): Paused | undefined {
  const memoryMb = memoryLimitMb(preferences, { sensed, machine })
  if (memoryMb >= machine.threadMemoryMb) return undefined
  return paused('MANNERS_NO_MEMORY', `${memoryMb} MB allowed < ${machine.threadMemoryMb} MB needed`)
}

function surplus(preferences: Preferences, { energy, atMs }: Conditions, history: History): Paused | undefined {
  const spareW = spareWatts(energy)
  if (energy === undefined || spareW === undefined) {
    return paused('MANNERS_SURPLUS_UNKNOWN', 'the meter does not tell whether there is a surplus')
  }
  if (!history.surplus.carries) return notCarried(preferences, { spareW, soldW: energy.soldW }, { atMs, history })
  const { use, computingMicro, other, otherMicro } = bestUse(energy, preferences)
  if (use === 'computing') return undefined
  return paused(
    'MANNERS_BETTER_USE',
    `${other} pays ${amount(otherMicro)}, computing ${amount(computingMicro)}: ${use}`,
  )
}

function notCarried(
  preferences: Preferences,
  { spareW, soldW = 0 }: { spareW: number; soldW?: number | undefined },
  { atMs, history }: { atMs: number; history: History },
): Paused {
  const needed = neededWatts(preferences)
  const since = history.surplus.otherwiseSinceMs
  const left = `surplus ${Math.round(spareW)} W${soldW === 0 ? '' : ` beside ${Math.round(soldW)} W sold`}`
  if (spareW <= needed || since === undefined) {
    return paused('MANNERS_NO_SURPLUS', `${left} < ${Math.ceil(needed)} W needed`)
  }
  const untilMs = since + preferences.surplusMinutes * 60_000
  const more = span(Math.max(1000, untilMs - atMs))
  return paused('MANNERS_NO_SURPLUS', `${left} is enough, if it lasts another ${more}`, untilMs)
}

function cheap({ cheapMicro }: Preferences, { energy }: Conditions): Paused | undefined {
  const now = energy?.buyMicro
  if (now === undefined) return paused('MANNERS_PRICE_UNKNOWN', 'nobody tells what energy costs now')
  if (now <= cheapMicro) return undefined
  return paused('MANNERS_PRICE_HIGH', `a kWh costs ${amount(now)}, the limit is ${amount(cheapMicro)}`)
}

/** In mode `surplus` no more threads than it carries, but the one that it was started for. */
function limitsOf(preferences: Preferences, { sensed, machine, energy }: Conditions): Limits {
  const percent = isUserActive(sensed, preferences) ? preferences.activeCoresPercent : preferences.awayCoresPercent
  const memoryMb = memoryLimitMb(preferences, { sensed, machine })
  const spareW = preferences.mode === 'surplus' ? spareWatts(energy) : undefined
  const threads = Math.min(
    machine.maxThreads,
    Math.floor((machine.cores * percent) / 100),
    Math.floor(memoryMb / machine.threadMemoryMb),
    spareW === undefined ? Number.POSITIVE_INFINITY : Math.floor(spareW / Math.max(1, preferences.taskPowerW)),
  )
  return { threads: Math.max(1, threads), memoryMb }
}

function memoryLimitMb(preferences: Preferences, { sensed, machine }: Pick<Conditions, 'sensed' | 'machine'>): number {
  const active = isUserActive(sensed, preferences)
  const percent = active ? preferences.activeMemoryPercent : preferences.awayMemoryPercent
  return Math.floor((machine.memoryMb * percent) / 100)
}

function working(limits: Limits, preferences: Preferences, { sensed, energy }: Conditions): string {
  const threads = `${limits.threads} ${limits.threads === 1 ? 'thread' : 'threads'}`
  const who = isUserActive(sensed, preferences) ? 'you are here' : 'you are away'
  return `working: up to ${threads} and ${limits.memoryMb} MB, ${who}${because(preferences, energy)}`
}

function because(preferences: Preferences, energy: Conditions['energy']): string {
  if (energy === undefined) return ''
  if (preferences.mode === 'cheap') return `, a kWh costs ${amount(energy.buyMicro ?? 0)}`
  if (preferences.mode !== 'surplus') return ''
  const { computingMicro, other, otherMicro } = bestUse(energy, preferences)
  const pays = `computing pays ${amount(computingMicro)}, ${other} ${amount(otherMicro)}`
  return `, ${Math.round(spareWatts(energy) ?? 0)} W to spare, ${pays}`
}

function paused(code: PauseCode, why: string, untilMs?: number): Paused {
  const sentence = `paused: ${why}`
  return untilMs === undefined ? { allowed: false, code, sentence } : { allowed: false, code, sentence, untilMs }
}

/** In whole minutes that have passed. */
function minutesOf(ms: number): string {
  return span(ms < 60_000 ? ms : ms - (ms % 60_000))
}

/** `1 h 20 min`, `3 min`, `40 s`. */
function span(ms: number): string {
  if (ms < 60_000) return `${Math.ceil(ms / 1000)} s`
  const minutes = Math.ceil(ms / 60_000)
  if (minutes < 60) return `${minutes} min`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

import { CodedError } from '../../kernel/errors.ts'

/**
 * `always`: whenever nothing else forbids it. `idle`: only while nobody uses the machine. `surplus`: only on the
 * household's own surplus. `cheap`: only while bought energy is cheap.
 */
export type Mode = 'always' | 'idle' | 'surplus' | 'cheap'

/** When this machine works for others; the section `manners` of the configuration, and one of `compute`. Limits at 0 or 100 % do not bind. */
export interface Preferences {
  readonly mode: Mode
  readonly onBattery: boolean
  readonly onMetered: boolean
  /** Without input for this long, the user is away. */
  readonly idleMinutes: number
  /** Processor use of other programs above which work pauses, in percent of the whole machine. */
  readonly activeCpuPercent: number
  readonly awayCpuPercent: number
  /** Shares of cores and memory that work may take. */
  readonly activeCoresPercent: number
  readonly awayCoresPercent: number
  readonly activeMemoryPercent: number
  readonly awayMemoryPercent: number
  /** Windows of local time, `22:00-06:00`; none: the whole day. */
  readonly hours: readonly string[]
  readonly maxTemperatureC: number
  /** What a thread at work draws: the option `compute.watts`, from which receipts are estimated too. */
  readonly taskPowerW: number
  /** Surplus starts work when it exceeds the task's power times this … */
  readonly surplusFactor: number
  /** … for this long, and ends it when it does not suffice … */
  readonly surplusMinutes: number
  /** … for this long. */
  readonly deficitSeconds: number
  /** What a kWh of computing is worth, millionths. */
  readonly worthMicro: number
  /** Mode `cheap`: the most a kWh may cost, millionths. */
  readonly cheapMicro: number
}

/** Minutes of the day, end excluded; a window whose end comes first runs over midnight. */
export interface Window {
  readonly startMinute: number
  readonly endMinute: number
}

const MINUTES_OF_DAY = 24 * 60

/** @throws CodedError<'MANNERS_BAD_HOURS'> for what is not `HH:MM-HH:MM` of one day */
export function parseHours(hours: readonly string[]): Window[] {
  return hours.map(text => {
    const [start, end] = text.split('-').map(minuteOf)
    if (start === undefined || end === undefined || start === MINUTES_OF_DAY || text.split('-').length !== 2) {
      throw new CodedError('MANNERS_BAD_HOURS', `"${text}" is no window of the day`, {
        hint: 'write manners.hours like "22:00-06:00"',
      })
    }
    return { startMinute: start, endMinute: end }
  })
}

function minuteOf(text: string): number | undefined {
  const [, hours = '', minutes = ''] = /^(\d{1,2}):([0-5]\d)$/.exec(text.trim()) ?? []
  const minute = Number(hours) * 60 + Number(minutes)
  return hours === '' || minute > MINUTES_OF_DAY ? undefined : minute
}

/** 0 inside a window, or when there are none; otherwise the minutes until the next one begins. */
export function minutesUntilOpen(windows: readonly Window[], minuteOfDay: number): number {
  if (windows.length === 0 || windows.some(window => contains(window, minuteOfDay))) return 0
  return Math.min(...windows.map(({ startMinute }) => (startMinute - minuteOfDay + MINUTES_OF_DAY) % MINUTES_OF_DAY))
}

/** A window from a minute to the same minute is the whole day. */
function contains({ startMinute, endMinute }: Window, minute: number): boolean {
  if (startMinute < endMinute) return minute >= startMinute && minute < endMinute
  return minute >= startMinute || minute < endMinute
}

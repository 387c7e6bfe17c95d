import { CodedError } from '../../kernel/errors.ts'
import { timeOfDay } from '../terminal/units.ts'

const SECONDS = ':00'
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/
const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?$/

/**
 * Which offers are meant: `14:15` of any day, `2026-06-01T14:15` of that day. Local time, as the table shows it, unless it
 * names its own offset. @throws CLI_BAD_TIME
 */
export function slotBeginning(text: string): (startMs: number) => boolean {
  if (!TIME.test(text)) {
    const wantedMs = momentOf(text)
    return startMs => startMs === wantedMs
  }
  // Seen from 1970, every slot has its day written out.
  return startMs => timeOfDay(startMs, 0).slice(0, -SECONDS.length).endsWith(text)
}

/**
 * The one slot that is meant, as Unix milliseconds of market time: `14:15` when it is that time next, `2026-06-01T14:15`
 * on that day. Local time, unless it names its own offset. @throws CLI_BAD_TIME
 */
export async function slotStart(text: string, marketNow: () => Promise<number>): Promise<number> {
  return TIME.test(text) ? nextAt(text, await marketNow()) : momentOf(text)
}

function momentOf(text: string): number {
  const startMs = ISO_TIME.test(text) ? Date.parse(text.replace(' ', 'T')) : NaN
  if (Number.isNaN(startMs)) throw noTime(text)
  return startMs
}

/** Of tomorrow when it is past today; the calendar knows how long today is. */
function nextAt(time: string, nowMs: number): number {
  const [hours, minutes] = time.split(':').map(Number) as [number, number]
  const [today, tomorrow] = [0, 1].map(days => {
    const day = new Date(nowMs)
    return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hours, minutes).getTime()
  }) as [number, number]
  return today > nowMs ? today : tomorrow
}

function noTime(text: string): CodedError {
  return new CodedError('CLI_BAD_TIME', `"${text}" is no time at which a slot begins`, {
    hint: 'write 14:15, or with its day 2026-06-01T14:15',
  })
}

import { CodedError } from '../../kernel/errors.ts'

/** What a person may wish for a job beside its texts. */
export interface WishFlags {
  readonly priority?: number
  readonly deadline?: string
  readonly private?: boolean | string
  readonly verify?: string
  readonly after?: string[]
  readonly key?: string
}

/** The same in the words of `POST /v1/jobs`. */
export function wishesOf(flags: WishFlags, nowMs: number): Record<string, unknown> {
  const { priority, deadline, verify, after, key } = flags
  const named = typeof flags.private === 'string' ? flags.private.split(',').map(peer => peer.trim()) : []
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(deadline === undefined ? {} : { deadlineMs: parseDeadline(deadline, nowMs) }),
    ...(flags.private === undefined ? {} : { privacy: 'private', peers: named }),
    ...(verify === undefined ? {} : { verify: parseVerify(verify) }),
    ...(after === undefined ? {} : { after }),
    ...(key === undefined ? {} : { key }),
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `10m`, `2h`, `1d` from now, or a time like `2026-12-24T18:00`. Unix milliseconds. */
export function parseDeadline(text: string, nowMs: number): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text.trim()) ?? []
  if (count !== undefined) return nowMs + Number(count) * (UNITS[unit] ?? 0)
  const atMs = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(atMs)) return atMs
  throw new CodedError('CLI_BAD_DEADLINE', `"${text}" is not a time`, {
    hint: 'write 90s, 10m, 2h or 1d from now, or a time like 2026-12-24T18:00',
  })
}

/** A whole number from −100 to 100. */
export function parsePriority(text: string): number {
  const priority = Number(text)
  if (/^-?\d+$/.test(text) && Math.abs(priority) <= 100) return priority
  throw new CodedError('CLI_BAD_NUMBER', `"${text}" is not a whole number from -100 to 100`)
}

function parseVerify(text: string): string {
  if (text === 'none' || text === 'adaptive') return text
  throw new CodedError('CLI_BAD_VERIFY', `"${text}" is no way of checking results`, {
    hint: 'write "adaptive" (what is not proven is done twice) or "none" (for your own machines)',
  })
}

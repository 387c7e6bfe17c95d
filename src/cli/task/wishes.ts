import type { JobGiven } from '../../domains/tasks/commands.ts'
import { CodedError } from '../../kernel/errors.ts'

/** What a person may wish for a job beside its texts. */
export interface WishFlags {
  readonly priority?: number
  readonly deadline?: string
  readonly public?: boolean
  readonly private?: boolean | string
  readonly verify?: string
  readonly after?: string[]
  readonly key?: string
}

/** The same in the words of `POST /v1/jobs`. */
export function wishesOf(flags: WishFlags, nowMs: number): Partial<JobGiven> {
  const { priority, deadline, verify, after, key } = flags
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(deadline === undefined ? {} : { deadlineMs: parseDeadline(deadline, nowMs) }),
    ...audienceOf(flags),
    ...(verify === undefined ? {} : { verify: parseVerify(verify) }),
    ...(after === undefined ? {} : { after }),
    ...(key === undefined ? {} : { key }),
  }
}

function audienceOf({ public: open, private: closed }: WishFlags): Pick<JobGiven, 'privacy' | 'peers'> {
  if (open === true && closed !== undefined) {
    throw new CodedError('CLI_BAD_PRIVACY', 'a job is either --public or --private')
  }
  if (open === true) return { privacy: 'public' }
  const peers = typeof closed === 'string' ? closed.split(',').map(peer => peer.trim()) : []
  return { privacy: 'private', peers }
}

/** Who will work on a job, in a sentence; of a public one there is nothing to say. @param allowed peers that may */
export function whoMayWork({ allowed, peers }: { allowed?: number; peers: readonly string[] }): string | undefined {
  if (allowed === undefined) return undefined
  const who = `${allowed} ${peers.length > 0 ? 'named' : 'trusted'} peer${allowed === 1 ? '' : 's'}`
  const by =
    allowed === 0 ? 'this machine alone: no peers are trusted (compute.trustedPeers)' : `this machine and ${who}`
  return `done by ${by}; --public lets anybody's`
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

function parseVerify(text: string): 'none' | 'adaptive' {
  if (text === 'none' || text === 'adaptive') return text
  throw new CodedError('CLI_BAD_VERIFY', `"${text}" is no way of checking results`, {
    hint: 'write "adaptive" (what is not proven is done twice) or "none" (for your own machines)',
  })
}

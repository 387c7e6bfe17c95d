import type { PeerId } from '../../../kernel/ids.ts'

/** What a submitter learnt about a peer's work of one kind with one model. */
export interface Reputation {
  readonly peer: PeerId
  /** `embed@1` */
  readonly kind: string
  /** The model's fingerprint; empty where the kind has none. */
  readonly model: string
  /** Results in a row that a trusted second opinion bore out, as of `atMs`. */
  readonly consecutive: number
  readonly confirmed: number
  readonly wrong: number
  readonly atMs: number
  /** After a wrong result, not asked before this. */
  readonly notBeforeMs: number
}

/** BOINC's adaptive replication: this many results in a row before any goes unchecked. */
export const TRUSTED_AFTER = 10
/** What was learnt counts half as much after this long: machines change, and owners. */
const HALF_LIFE_MS = 7 * 24 * 60 * 60_000
/** How long a peer is not asked after a wrong result; longer each time, up to a month. */
const BAN_MS = 24 * 60 * 60_000
const MAX_BANS = 30

export function newcomer(peer: PeerId, kind: string, model: string): Reputation {
  return { peer, kind, model, consecutive: 0, confirmed: 0, wrong: 0, atMs: 0, notBeforeMs: 0 }
}

export function reputationKey({ peer, kind, model }: Pick<Reputation, 'peer' | 'kind' | 'model'>): string {
  return `${peer}/${kind}/${model}`
}

/** Results in a row, less what time took. */
export function trustOf({ consecutive, atMs }: Reputation, nowMs: number): number {
  return consecutive * 0.5 ** (Math.max(0, nowMs - atMs) / HALF_LIFE_MS)
}

export function isTrusted(reputation: Reputation, nowMs: number): boolean {
  return Math.round(trustOf(reputation, nowMs)) >= TRUSTED_AFTER
}

/** How likely a result is given to a second peer: always at first, then 1 in as many as were right in a row. */
export function checkChance(reputation: Reputation, nowMs: number): number {
  return isTrusted(reputation, nowMs) ? 1 / trustOf(reputation, nowMs) : 1
}

export function afterRight(reputation: Reputation, nowMs: number): Reputation {
  const consecutive = trustOf(reputation, nowMs) + 1
  return { ...reputation, consecutive, confirmed: reputation.confirmed + 1, atMs: nowMs }
}

/** Starts over, and is not asked for a time. */
export function afterWrong(reputation: Reputation, nowMs: number): Reputation {
  const wrong = reputation.wrong + 1
  const notBeforeMs = nowMs + BAN_MS * Math.min(wrong, MAX_BANS)
  return { ...reputation, consecutive: 0, wrong, atMs: nowMs, notBeforeMs }
}

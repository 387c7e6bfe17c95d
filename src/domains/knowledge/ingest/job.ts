import type { PeerId } from '../../../kernel/ids.ts'
import type { Access } from '../collection.ts'
import type { Passed } from './walk.ts'

export interface IngestRequest {
  /** Absolute. */
  readonly paths: readonly string[]
  readonly collection: string
  /** What to set; a collection that is there keeps its own otherwise, a new one is private. */
  readonly access?: Access
}

export type IngestState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

export interface EncodedBy {
  readonly peer: PeerId
  readonly passages: number
}

/** How far reading is, and what came of it. */
export interface IngestJob {
  readonly id: string
  readonly collection: string
  readonly state: IngestState
  /** Of a failed one, for people. */
  readonly reason?: string
  /** Files found; 0 until all folders have been walked. */
  readonly files: number
  readonly bytes: number
  /** Files dealt with, in whatever way. */
  readonly done: number
  readonly doneBytes: number
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  /** Files that are no longer there, or no longer text. */
  readonly removed: number
  /** Files without words in them that could be read. */
  readonly skipped: number
  readonly passages: number
  /** How many of them peers encoded, by peer; the others were encoded here. */
  readonly byPeers: readonly EncodedBy[]
  /** Why files were skipped: the first of them. */
  readonly reasons: readonly Passed[]
  readonly createdMs: number
  readonly finishedMs?: number
}

/** Reasons kept: a folder of pictures must not fill the memory. */
export const MAX_REASONS = 200

export type Tally = { -readonly [Key in keyof IngestJob]: IngestJob[Key] }

export function newTally(id: string, { collection }: IngestRequest, createdMs: number): Tally {
  return {
    id,
    collection,
    state: 'waiting',
    createdMs,
    files: 0,
    bytes: 0,
    done: 0,
    doneBytes: 0,
    added: 0,
    changed: 0,
    unchanged: 0,
    removed: 0,
    skipped: 0,
    passages: 0,
    byPeers: [],
    reasons: [],
  }
}

export function noteSkipped(tally: Tally, passed: Passed): void {
  tally.skipped += 1
  if (tally.reasons.length < MAX_REASONS) tally.reasons = [...tally.reasons, passed]
}

export function noteEncoded(tally: Tally, peer: PeerId, passages: number): void {
  const before = tally.byPeers.find(one => one.peer === peer)
  const others = tally.byPeers.filter(one => one !== before)
  tally.byPeers = [...others, { peer, passages: passages + (before?.passages ?? 0) }]
}

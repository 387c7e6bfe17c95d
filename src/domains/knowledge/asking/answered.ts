import type { PeerId } from '../../../kernel/ids.ts'
import type { Find } from '../search/gather.ts'

export interface AskRequest {
  readonly question: string
  /** How many passages, `MAX_WANTED` at most. */
  readonly top: number
  /** Only collections of that name, here and at peers. */
  readonly collection?: string
  /** Ask nobody else. */
  readonly local?: boolean
}

/** A passage that answers, and where it is. */
export interface Passage extends Find {
  /** undefined: this peer. */
  readonly peer: PeerId | undefined
  readonly collection: string
  readonly name: string
  /** Of one's own documents. */
  readonly path: string | undefined
  readonly title: string
  readonly start: number
}

export interface Answered {
  readonly passages: readonly (Passage & { readonly score: number })[]
  readonly peers: readonly PeerReport[]
  /** Peers that share and were not asked, because there are more than are asked at a time. */
  readonly notAsked: number
}

/** What came of asking one peer. */
export interface PeerReport {
  readonly peer: PeerId
  readonly state: 'answered' | 'nothing' | 'late' | 'unreachable' | 'refused' | 'unusable'
  /** Passages it sent. */
  readonly passages: number
  readonly tookMs: number
  /** For people, when it did not answer. */
  readonly reason?: string
}

import type { PeerId } from './ids.ts'

/** A connection to a peer came, or the last one went. */
export interface PeerChange {
  readonly peer: PeerId
  readonly connected: boolean
}

/** A connected peer. */
export interface PeerView {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  /** `outbound`: we dialled. */
  readonly direction: 'inbound' | 'outbound'
  /** When the oldest connection opened, ms since the epoch. */
  readonly sinceMs: number
  readonly relayed: boolean
  /** Round trip, measured every 30 seconds. */
  readonly latencyMs?: number
  readonly agent?: string
}

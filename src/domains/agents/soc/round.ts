import type { PeerId } from '../../../kernel/ids.ts'
import { type Outcome, outcome } from '../../../kernel/outcome.ts'
import type { Slot } from '../../../kernel/slot.ts'

/** What a household told the utility. */
export interface SocReading {
  readonly peer: PeerId
  /** When it came, Unix milliseconds. */
  readonly atMs: number
  readonly slot: Slot
  readonly socWh: number
}

/** A household that does not want to be asked. */
export interface SocRefusal {
  readonly peer: PeerId
  /** When it said so, Unix milliseconds. */
  readonly atMs: number
  /** SHA-256 of the agent card it had then: while it has no other, it is left in peace. */
  readonly cardHash: string
  readonly reason: string
}

/** One household in one round. */
export type SocRow = { readonly peer: PeerId; readonly atMs: number } & (
  | { readonly outcome: 'answered'; readonly socWh: number; readonly slot: Slot }
  | {
      readonly outcome: 'refused'
      /** Whether a task was sent to it; one whose card offers nothing, or that refused before, is not asked. */
      readonly asked: boolean
      readonly reason: string
      /** The card that goes with a refusal of consent; a refusal without it may pass by itself. */
      readonly cardHash?: string
    }
  /** No answer in time, or none that can be used. */
  | { readonly outcome: 'silent'; readonly reason: string }
)

export interface SocCounts {
  /** Unix milliseconds. */
  readonly startedMs: number
  readonly tookMs: number
  /** Answered, silent, and refused when asked. */
  readonly asked: number
  readonly answered: number
  /** Now and before. */
  readonly refused: number
  readonly silent: number
}

export interface SocRound extends SocCounts {
  /** A row a household, in the order they were given. */
  readonly rows: readonly SocRow[]
}

/** A round as it is kept: its readings and refusals are facts of their own. */
export interface SocRoundRecord extends SocCounts {
  readonly silentPeers: readonly PeerId[]
}

export type SocFact =
  | { readonly kind: 'agents.soc'; readonly reading: SocReading }
  | { readonly kind: 'agents.soc.refusal'; readonly refusal: SocRefusal }
  /** A household that had refused has answered. */
  | { readonly kind: 'agents.soc.consent'; readonly peer: PeerId }
  | { readonly kind: 'agents.soc.round'; readonly round: SocRoundRecord }

/** What the collector must read. */
export interface SocStore {
  refusal(peer: PeerId): SocRefusal | undefined
}

export function countRound(rows: readonly SocRow[], startedMs: number, endedMs: number): SocRound {
  const count = (wanted: (row: SocRow) => boolean): number => rows.filter(wanted).length
  return {
    startedMs,
    tookMs: endedMs - startedMs,
    asked: count(row => row.outcome !== 'refused' || row.asked),
    answered: count(row => row.outcome === 'answered'),
    refused: count(row => row.outcome === 'refused'),
    silent: count(row => row.outcome === 'silent'),
    rows,
  }
}

/** What a round leaves to be kept. A refusal that is known already is not written again. */
export function roundOutcome({ rows, ...counts }: SocRound, store: SocStore): Outcome<SocFact> {
  const silentPeers = rows.filter(row => row.outcome === 'silent').map(({ peer }) => peer)
  return outcome<SocFact>([
    ...rows.flatMap(row => factsOf(row, store)),
    { kind: 'agents.soc.round', round: { ...counts, silentPeers } },
  ])
}

function factsOf(row: SocRow, store: SocStore): SocFact[] {
  const { peer, atMs } = row
  const known = store.refusal(peer)
  if (row.outcome === 'answered') {
    const reading: SocFact = { kind: 'agents.soc', reading: { peer, atMs, slot: row.slot, socWh: row.socWh } }
    return known === undefined ? [reading] : [reading, { kind: 'agents.soc.consent', peer }]
  }
  if (row.outcome !== 'refused' || row.cardHash === undefined || row.cardHash === known?.cardHash) return []
  return [{ kind: 'agents.soc.refusal', refusal: { peer, atMs, cardHash: row.cardHash, reason: row.reason } }]
}

import type { PeerId } from '../../kernel/ids.ts'
import { createDocuments } from '../../storage/documents.ts'
import { applyBy, type Db, type Kept, type StoreTools } from '../../storage/kept.ts'
import type { SocFact, SocReading, SocRefusal, SocRoundRecord } from './soc/round.ts'

const KEPT_MS = 7 * 24 * 60 * 60_000

export interface AgentsRead {
  refusal(peer: PeerId): SocRefusal | undefined
  refusals(): SocRefusal[]
  /** The newest of all households together. */
  readings(limit: number): SocReading[]
  rounds(): SocRoundRecord[]
}

/** What a utility was told of states of charge, and by whom not. */
export function agentsStore(db: Db, { now }: StoreTools): Kept<SocFact, AgentsRead> {
  const readings = createDocuments<SocReading>(db, 'soc-reading')
  const refusals = createDocuments<SocRefusal>(db, 'soc-refusal')
  const rounds = createDocuments<SocRoundRecord>(db, 'soc-round')
  return {
    apply: applyBy<SocFact>({
      'agents.soc': ({ reading }) =>
        readings.put(
          { key: `${reading.peer}/${reading.atMs}`, owner: reading.peer, rank: reading.atMs, body: reading },
          now(),
        ),
      'agents.soc.refusal': ({ refusal }) => refusals.put({ key: refusal.peer, body: refusal }, now()),
      'agents.soc.consent': ({ peer }) => refusals.remove(peer),
      'agents.soc.round': ({ round }) =>
        rounds.put({ key: String(round.startedMs), rank: round.startedMs, body: round }, now()),
    }),
    read: {
      refusal: peer => refusals.get(peer),
      refusals: () => refusals.all(),
      readings: limit => readings.all(limit),
      rounds: () => rounds.all(),
    },
    forget(nowMs) {
      readings.pruneRanked(nowMs - KEPT_MS)
      rounds.pruneRanked(nowMs - KEPT_MS)
      return false
    },
  }
}

import type { DatabaseSync } from 'node:sqlite'
import type { SocFact, SocReading, SocRefusal, SocRoundRecord } from '../../domains/agents/soc/round.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { createDocuments } from '../documents.ts'

type Of<Kind extends SocFact['kind']> = Extract<SocFact, { kind: Kind }>

/** What a utility was told of states of charge, and by whom not. */
export function socFacts(db: DatabaseSync, now: () => number) {
  const readings = createDocuments<SocReading>(db, 'soc-reading')
  const refusals = createDocuments<SocRefusal>(db, 'soc-refusal')
  const rounds = createDocuments<SocRoundRecord>(db, 'soc-round')
  return {
    writers: {
      soc: ({ reading }: Of<'soc'>) =>
        readings.put(
          { key: `${reading.peer}/${reading.atMs}`, owner: reading.peer, rank: reading.atMs, body: reading },
          now(),
        ),
      'soc.refusal': ({ refusal }: Of<'soc.refusal'>) => refusals.put({ key: refusal.peer, body: refusal }, now()),
      'soc.consent': ({ peer }: Of<'soc.consent'>) => refusals.remove(peer),
      'soc.round': ({ round }: Of<'soc.round'>) =>
        rounds.put({ key: String(round.startedMs), rank: round.startedMs, body: round }, now()),
    },
    readers: {
      refusal: (peer: PeerId) => refusals.get(peer),
      refusals: () => refusals.all(),
      readings: (limit: number) => readings.all(limit),
      rounds: () => rounds.all(),
      forget(beforeMs: number) {
        readings.pruneRanked(beforeMs)
        rounds.pruneRanked(beforeMs)
      },
    },
  }
}

import type { DatabaseSync } from 'node:sqlite'
import type { SocFact } from '../domains/agents/soc/round.ts'
import type { EnergyFact } from '../domains/energy/household.ts'
import type { KnowledgeFact } from '../domains/knowledge/collection.ts'
import type { MannersFact, Pause } from '../domains/manners/manners.ts'
import type { KnownPeer, PeerFact } from '../domains/peers/peers.ts'
import type { TaskFact } from '../domains/tasks/task.ts'
import type { TradingFact } from '../domains/trading/trade.ts'
import type { PeerId } from '../kernel/ids.ts'
import { createDocuments } from './documents.ts'
import { energyFacts } from './facts/energy.ts'
import { socFacts } from './facts/soc.ts'
import { taskFacts } from './facts/tasks.ts'
import { tradingFacts } from './facts/trading.ts'
import { knowledgeFacts } from './knowledge.ts'

/** Everything that can become true here. */
export type Fact = TradingFact | EnergyFact | PeerFact | TaskFact | SocFact | MannersFact | KnowledgeFact

type Writers = { readonly [Kind in Fact['kind']]: (fact: Extract<Fact, { kind: Kind }>) => void }

const OWN = 'self'

/** Where each kind of fact is written, and how the domains read it back. */
export function createFacts(db: DatabaseSync, now: () => number) {
  const peers = createDocuments<KnownPeer>(db, 'peer')
  const pauses = createDocuments<Pause>(db, 'pause')
  const trading = tradingFacts(db, now)
  const tasks = taskFacts(db, now)
  const energy = energyFacts(db, now)
  const soc = socFacts(db, now)
  const knowledge = knowledgeFacts(db)

  const writers: Writers = {
    ...trading.writers,
    ...tasks.writers,
    ...energy.writers,
    ...soc.writers,
    ...knowledge.writers,
    pause: ({ pause }) => pauses.put({ key: OWN, body: pause }, now()),
    peer: ({ peer }) => peers.put({ key: peer.peer, rank: peer.expiresMs, body: peer }, now()),
  }

  return {
    apply(facts: readonly Fact[]): void {
      for (const fact of facts) (writers[fact.kind] as (fact: Fact) => void)(fact)
    },
    /** Forgets what ended before `ended`, and what came to nothing before `fruitless`; agreed contracts stay. */
    forget: trading.forget,
    /** Forgets ended jobs, in slices: true while something is left. */
    forgetJobs: tasks.forget,
    peers: {
      peer: (id: PeerId) => peers.get(id),
      peerCount: () => peers.count(),
      known: () => peers.all(),
      /** Those whose advert ran out before. */
      forget: (beforeMs: number) => peers.pruneRanked(beforeMs),
    },
    trading: trading.readers,
    energy: energy.readers,
    tasks: tasks.readers,
    soc: soc.readers,
    knowledge: knowledge.readers,
    manners: { pause: () => pauses.get(OWN) },
  }
}

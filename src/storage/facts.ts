import type { DatabaseSync } from 'node:sqlite'
import type { EnergyFact, HouseholdState } from '../energy/household.ts'
import type { PeerId, TaskId } from '../kernel/ids.ts'
import type { KnownPeer, PeerFact } from '../peers/peers.ts'
import type { Job, Task, TaskFact, TaskState, Work } from '../tasks/task.ts'
import type { Catalog, Need, Trade, TradingFact } from '../trading/trade.ts'
import { createDocuments } from './documents.ts'

/** Everything that can become true here. */
export type Fact = TradingFact | EnergyFact | PeerFact | TaskFact

type Writers = { readonly [Kind in Fact['kind']]: (fact: Extract<Fact, { kind: Kind }>) => void }

const HOUSEHOLD = 'self'

/** Where each kind of fact is written, and how the domains read it back. */
export function createFacts(db: DatabaseSync, now: () => number) {
  const peers = createDocuments<KnownPeer>(db, 'peer')
  const catalogs = createDocuments<Catalog>(db, 'catalog')
  const trades = createDocuments<Trade>(db, 'trade')
  const needs = createDocuments<Need>(db, 'need')
  const households = createDocuments<HouseholdState>(db, 'household')
  const jobs = createDocuments<Job>(db, 'job')
  const tasks = createDocuments<Task>(db, 'task')
  const works = createDocuments<Work>(db, 'work')
  const taskCounts = db.prepare(
    `SELECT state, count(*) AS n FROM documents WHERE kind = 'task' AND owner = ? GROUP BY state`,
  )

  const writers: Writers = {
    peer: ({ peer }) => peers.put({ key: peer.peer, rank: peer.expiresMs, body: peer }, now()),
    catalog: ({ catalog }) => catalogs.put({ key: catalog.seller, body: catalog }, now()),
    trade: ({ trade }) =>
      trades.put(
        { key: trade.transactionId, state: trade.state, owner: ownerOf(trade), rank: trade.slot.startMs, body: trade },
        now(),
      ),
    need: ({ need }) => needs.put({ key: need.id, state: need.state, body: need }, now()),
    household: ({ household }) => households.put({ key: HOUSEHOLD, body: household }, now()),
    job: ({ job }) => jobs.put({ key: job.id, state: job.state, body: job }, now()),
    task: ({ task }) =>
      tasks.put({ key: task.id, state: task.state, owner: task.jobId, rank: rankOf(task, now()), body: task }, now()),
    work: ({ work }) => works.put({ key: work.taskId, state: work.state, body: work }, now()),
    'work.gone': ({ taskId }) => works.remove(taskId),
  }

  return {
    apply(facts: readonly Fact[]): void {
      for (const fact of facts) (writers[fact.kind] as (fact: Fact) => void)(fact)
    },
    /** Forgets what ended before `ended`, and what came to nothing before `fruitless`; agreed contracts stay. */
    forget({ ended, fruitless }: { ended: number; fruitless: number }): void {
      trades.prune(['expired', 'refused'], fruitless)
      trades.prune(['cancelled'], ended)
      needs.prune(['bought', 'failed'], ended)
      jobs.prune(['done', 'failed', 'cancelled'], ended)
      tasks.prune(['done', 'failed', 'cancelled', 'expired', 'poisoned'], ended)
    },
    peers: {
      peer: (id: PeerId) => peers.get(id),
      peerCount: () => peers.count(),
      known: () => peers.all(),
      /** Those whose advert ran out before. */
      forget: (beforeMs: number) => peers.pruneRanked(beforeMs),
    },
    trading: {
      catalog: (seller: PeerId) => catalogs.get(seller),
      catalogs: () => catalogs.all(),
      catalogCount: () => catalogs.count(),
      forgetCatalogs: (beforeMs: number) => catalogs.prune([''], beforeMs),
      trade: (id: TaskId) => trades.get(id),
      trades: (limit: number) => trades.all(limit),
      tradesInState: (state: Trade['state']) => trades.inState(state),
      tradesOfSlot: (state: Trade['state'], startMs: number) => trades.inStateAt(state, startMs),
      tradesOfOffer: (offerId: string) => trades.ownedBy(offerOwner('seller', offerId)),
      need: (id: string) => needs.get(id),
      needs: (limit: number) => needs.all(limit),
      needsInState: (state: Need['state']) => needs.inState(state),
      counts: () => ({ trades: trades.countByState(), needs: needs.countByState() }),
    },
    energy: { household: () => households.get(HOUSEHOLD) },
    tasks: {
      job: (id: string) => jobs.get(id),
      jobs: (limit: number) => jobs.all(limit),
      runningJobs: () => jobs.inState('running'),
      task: (id: TaskId) => tasks.get(id),
      tasksInState: (state: TaskState, limit: number) => tasks.inState(state, limit),
      tasksOfJob: (jobId: string) => tasks.ownedBy(jobId).sort((a, b) => a.index - b.index),
      taskCounts: (jobId: string) =>
        Object.fromEntries(taskCounts.all(jobId).map(row => [String(row['state']), Number(row['n'])])),
      work: (id: TaskId) => works.get(id),
      openWork: () => works.inState('accepted'),
    },
  }
}

/** What a lost worker left goes before what has not begun, and what must wait goes behind what is ready. */
function rankOf(task: Task, nowMs: number): number {
  return task.lostAtMs === undefined ? Math.max(nowMs, task.notBeforeMs) : 0
}

/** A seller looks for what it sold of an offer; a buyer's trades are apart, for offers of others may bear the same id. */
function ownerOf(trade: Trade): string {
  return offerOwner(trade.role, trade.offerId)
}

function offerOwner(role: Trade['role'], offerId: string): string {
  return `${role}/${offerId}`
}

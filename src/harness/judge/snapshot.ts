import type { Client } from '../../api/client.ts'
import type { SettledSlot } from '../../domains/energy/household.ts'
import type { Job, Task } from '../../domains/tasks/task.ts'
import { readCatalog } from '../../domains/trading/beckn/catalog-body.ts'
import type { Catalog, Need, Trade } from '../../domains/trading/trade.ts'
import type { PeerId } from '../../kernel/ids.ts'

/** What a peer knows, read from its local API. */
export interface Snapshot {
  readonly name: string
  readonly peerId: string
  readonly roles: readonly string[]
  readonly knownPeers: number
  readonly trades: readonly Trade[]
  readonly needs: readonly Need[]
  /** Every catalog this peer published, newest last. */
  readonly published: readonly Catalog[]
  /** What sellers answered to its searches. */
  readonly answers: readonly { readonly needId: string; readonly atMs: number; readonly catalog: Catalog }[]
  readonly jobs: readonly (Job & { parts: readonly Task[] })[]
  /** What flowed in each slot of the household. */
  readonly slots: readonly SettledSlot[]
  readonly ledger: LedgerView
  /** The utility's rounds. */
  readonly soc: { readonly rounds: readonly SocCounts[] }
}

/** What a peer's books come to. */
export interface LedgerView {
  readonly sumMicro: number
  readonly neighbours: readonly { readonly peer: string; readonly balanceMicro: number }[]
  readonly batches: readonly unknown[]
  /** Batches whose postings do not sum to zero. */
  readonly unbalanced: number
}

interface SocCounts {
  readonly asked: number
  readonly answered: number
  readonly refused: number
  readonly silent: number
}

const MANY = 1_000_000

export async function snapshot(name: string, client: Client): Promise<Snapshot> {
  const [{ peerId, roles }, peers, trades, needs, jobs] = await Promise.all([
    client.get<{ peerId: string; roles: string[] }>('/v1/status'),
    client.get<{ connected?: unknown; roles?: readonly string[] }[]>('/v1/peers'),
    client.get<Trade[]>(`/v1/trades?limit=${MANY}`),
    client.get<Need[]>(`/v1/needs?limit=${MANY}`),
    client.get<Job[]>(`/v1/jobs?limit=${MANY}`),
  ])
  const withParts: Snapshot['jobs'][number][] = []
  for (const job of jobs) withParts.push({ ...job, parts: await partsOf(client, job) })
  return {
    name,
    peerId,
    roles,
    trades,
    needs,
    jobs: withParts,
    knownPeers: peers.filter(peer => peer.roles !== undefined).length,
    slots: await client.get<SettledSlot[]>(`/v1/household/slots?limit=${MANY}`),
    ledger: await client.get<LedgerView>(`/v1/ledger?limit=${MANY}`),
    soc: await client.get<Snapshot['soc']>('/v1/utility/soc'),
    published: await publishedBy(client),
    answers: await answersTo(client),
  }
}

/** Parts of a job in an answer: the daemon does nothing else while it writes one. */
const PARTS_A_PAGE = 500

async function partsOf(client: Client, { id }: Job): Promise<Task[]> {
  const parts: Task[] = []
  for (;;) {
    const page = await client.get<{ parts: Task[] }>(`/v1/jobs/${id}?limit=${PARTS_A_PAGE}&offset=${parts.length}`)
    parts.push(...page.parts)
    if (page.parts.length < PARTS_A_PAGE) return parts
  }
}

interface Row {
  readonly direction: 'in' | 'out'
  readonly taskId: string
  readonly at: number
  readonly envelope: string
}

/** From the journal: the index keeps only the last. */
async function publishedBy(client: Client): Promise<Catalog[]> {
  const rows = await rowsOf(client, 'beckn.catalog_publish')
  return rows.filter(row => row.direction === 'out').flatMap(catalogIn)
}

async function answersTo(client: Client): Promise<Snapshot['answers']> {
  const rows = await rowsOf(client, 'beckn.on_discover')
  return rows
    .filter(row => row.direction === 'in')
    .flatMap(row => catalogIn(row).map(catalog => ({ needId: row.taskId, atMs: row.at, catalog })))
}

function rowsOf(client: Client, type: string): Promise<Row[]> {
  return client.get<Row[]>(`/v1/messages?type=${type}&limit=${MANY}`)
}

function catalogIn({ envelope }: Row): Catalog[] {
  const { sender_id, payload } = JSON.parse(envelope) as { sender_id: PeerId; payload: { message: unknown } }
  const catalog = readCatalog(payload.message, sender_id)
  return typeof catalog === 'string' ? [] : [catalog]
}

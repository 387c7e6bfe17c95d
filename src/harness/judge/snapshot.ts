import type { Client } from '../../api/client.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Job, Task } from '../../tasks/task.ts'
import { readCatalog } from '../../trading/beckn/catalog-body.ts'
import type { Catalog, Need, Trade } from '../../trading/trade.ts'

/** What a peer knows, read from its local API. */
export interface Snapshot {
  readonly name: string
  readonly peerId: string
  readonly knownPeers: number
  readonly trades: readonly Trade[]
  readonly needs: readonly Need[]
  /** Every catalog this peer published, newest last. */
  readonly published: readonly Catalog[]
  /** What sellers answered to its searches. */
  readonly answers: readonly { readonly needId: string; readonly atMs: number; readonly catalog: Catalog }[]
  readonly jobs: readonly (Job & { parts: readonly Task[] })[]
}

const MANY = 1_000_000

export async function snapshot(name: string, client: Client): Promise<Snapshot> {
  const [{ peerId }, peers, trades, needs, jobs] = await Promise.all([
    client.get<{ peerId: string }>('/v1/id'),
    client.get<{ connected?: unknown; roles?: readonly string[] }[]>('/v1/peers'),
    client.get<Trade[]>(`/v1/trades?limit=${MANY}`),
    client.get<Need[]>(`/v1/needs?limit=${MANY}`),
    client.get<Job[]>(`/v1/jobs?limit=${MANY}`),
  ])
  const withParts = await Promise.all(jobs.map(job => client.get<Snapshot['jobs'][number]>(`/v1/jobs/${job.id}`)))
  return {
    ...{ name, peerId, trades, needs, jobs: withParts },
    knownPeers: peers.filter(peer => peer.roles !== undefined).length,
    published: await publishedBy(client),
    answers: await answersTo(client),
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

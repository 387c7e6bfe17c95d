import type { Client } from '../api/client.ts'
import type { Job, Task } from '../tasks/task.ts'
import { readCatalog } from '../trading/beckn/catalog-body.ts'
import type { Catalog, Need, Trade } from '../trading/trade.ts'

/** What a peer knows, read from its local API. */
export interface Snapshot {
  readonly name: string
  readonly peerId: string
  readonly knownPeers: number
  readonly trades: readonly Trade[]
  readonly needs: readonly Need[]
  /** Every catalog this peer published, newest last. */
  readonly published: readonly Catalog[]
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
  }
}

/** From the journal: the index keeps only the last. */
async function publishedBy(client: Client): Promise<Catalog[]> {
  const own = await client.get<{ direction: string; envelope: string }[]>(
    `/v1/messages?type=beckn.catalog_publish&limit=${MANY}`,
  )
  return own
    .filter(message => message.direction === 'out')
    .map(message => JSON.parse(message.envelope) as { sender_id: Catalog['seller']; payload: { message: unknown } })
    .map(envelope => readCatalog(envelope.payload.message, envelope.sender_id))
    .filter(catalog => typeof catalog !== 'string')
}

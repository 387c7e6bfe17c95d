import type { Client } from '../../api/client.ts'
import { daemonCommands, type MessageAnswer } from '../../daemon/commands.ts'
import { agentsCommands, type SocAnswer } from '../../domains/agents/commands.ts'
import { booksCommands, type LedgerAnswer } from '../../domains/books/commands.ts'
import { energyCommands, type SlotsAnswer } from '../../domains/energy/commands.ts'
import { peersCommands } from '../../domains/peers/commands.ts'
import { type JobRowAnswer, type TaskAnswer, tasksCommands } from '../../domains/tasks/commands.ts'
import {
  type CatalogAnswer,
  type NeedAnswer,
  type TradeAnswer,
  tradingCommands,
} from '../../domains/trading/commands.ts'
import { readCatalog } from '../../domains/trading/offline.ts'
import type { PeerId } from '../../kernel/ids.ts'

/** What a peer knows, read from its local API. */
export interface Snapshot {
  readonly name: string
  readonly peerId: string
  readonly roles: readonly string[]
  readonly knownPeers: number
  readonly trades: readonly TradeAnswer[]
  readonly needs: readonly NeedAnswer[]
  /** Every catalog this peer published, newest last. */
  readonly published: readonly CatalogAnswer[]
  /** What sellers answered to its searches. */
  readonly answers: readonly { readonly needId: string; readonly atMs: number; readonly catalog: CatalogAnswer }[]
  readonly jobs: readonly (JobRowAnswer & { parts: readonly TaskAnswer[] })[]
  /** What flowed in each slot of the household. */
  readonly slots: SlotsAnswer
  readonly ledger: LedgerAnswer
  /** The utility's rounds. */
  readonly soc: Pick<SocAnswer, 'rounds'>
}

const MANY = 1_000_000

export async function snapshot(name: string, client: Client): Promise<Snapshot> {
  const [{ peerId, roles }, peers, trades, needs, jobs] = await Promise.all([
    client.of(daemonCommands).status(),
    client.of(peersCommands).peers(),
    client.of(tradingCommands).trades({ limit: MANY }),
    client.of(tradingCommands).needs({ limit: MANY }),
    client.of(tasksCommands).jobs({ limit: MANY }),
  ])
  const withParts: Snapshot['jobs'][number][] = []
  for (const job of jobs) withParts.push({ ...job, parts: await partsOf(client, job.id) })
  return {
    name,
    peerId,
    roles,
    trades,
    needs,
    jobs: withParts,
    knownPeers: peers.filter(peer => peer.roles !== undefined).length,
    slots: await client.of(energyCommands).slots({ limit: MANY }),
    ledger: await client.of(booksCommands).ledger({ limit: MANY }),
    soc: await client.of(agentsCommands).soc(),
    published: await publishedBy(client),
    answers: await answersTo(client),
  }
}

/** Parts of a job in an answer: the daemon does nothing else while it writes one. */
const PARTS_A_PAGE = 500

async function partsOf(client: Client, id: string): Promise<TaskAnswer[]> {
  const parts: TaskAnswer[] = []
  for (;;) {
    const page = await client.of(tasksCommands).job({ id, limit: PARTS_A_PAGE, offset: parts.length })
    parts.push(...page.parts)
    if (page.parts.length < PARTS_A_PAGE) return parts
  }
}

/** From the journal: the index keeps only the last. */
async function publishedBy(client: Client): Promise<CatalogAnswer[]> {
  const rows = await rowsOf(client, 'beckn.catalog_publish')
  return rows.filter(row => row.direction === 'out').flatMap(catalogIn)
}

async function answersTo(client: Client): Promise<Snapshot['answers']> {
  const rows = await rowsOf(client, 'beckn.on_discover')
  return rows
    .filter(row => row.direction === 'in')
    .flatMap(row => catalogIn(row).map(catalog => ({ needId: row.taskId, atMs: row.at, catalog })))
}

function rowsOf(client: Client, type: string): Promise<readonly MessageAnswer[]> {
  return client.of(daemonCommands).messages({ type, limit: MANY })
}

function catalogIn({ envelope }: MessageAnswer): CatalogAnswer[] {
  const { sender_id, payload } = JSON.parse(envelope) as { sender_id: PeerId; payload: { message: unknown } }
  const catalog = readCatalog(payload.message, sender_id)
  return typeof catalog === 'string' ? [] : [catalog]
}

import type { Client } from '../../api/client.ts'
import type { Commands, PeerRow } from '../../commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { printTable } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, price, shortPeer, timeOfDay } from '../terminal/units.ts'

export type Trade = ReturnType<Commands['trades']>[number]
type Catalog = ReturnType<Commands['catalogs']>[number]

/** A trade is looked for among this many of the newest. */
const REMEMBERED = 10_000

export async function searchOffers(client: Client, terminal: Terminal, json: boolean): Promise<void> {
  const [catalogs, nameOf] = await Promise.all([client.get<Catalog[]>('/v1/catalogs'), names(client)])
  const now = systemClock.now()
  const rows = catalogs
    .flatMap(({ offers, seller, role, sourceType, currency }) =>
      offers.map(offer => ({ ...offer, seller, sellerName: nameOf(seller), role, sourceType, currency })),
    )
    .toSorted((a, b) => a.priceMicro - b.priceMicro || a.slot.startMs - b.slot.startMs)
  printTable(terminal, {
    ...{ rows, json },
    none: 'Nobody offers energy just now. "wattmesh peers" shows who is there to sell.',
    columns: [
      { title: 'price', right: true, cell: row => price(row.priceMicro, row.currency) },
      { title: 'available', right: true, cell: row => energy(row.availableWh) },
      { title: 'slot', cell: row => timeOfDay(row.slot.startMs, now) },
      { title: 'source', cell: row => row.sourceType.toLowerCase() },
      { title: 'seller', cell: row => row.sellerName },
      { title: 'role', cell: row => row.role },
      { title: 'offer', cell: row => row.offerId },
    ],
  })
}

export async function listTrades(
  client: Client,
  terminal: Terminal,
  how: { json: boolean; limit: number },
): Promise<void> {
  const [rows, nameOf] = await Promise.all([client.get<Trade[]>(`/v1/trades?limit=${how.limit}`), names(client)])
  const now = systemClock.now()
  printTable(terminal, {
    ...{ rows, json: how.json },
    none: 'No trades yet. "wattmesh trade search" shows what is offered.',
    columns: [
      { title: 'started', cell: row => timeOfDay(row.startedMs, now) },
      { title: 'we', cell: row => (row.role === 'buyer' ? 'buy' : 'sell') },
      { title: 'with', cell: row => nameOf(row.counterparty) },
      { title: 'energy', right: true, cell: row => energy(row.energyWh) },
      { title: 'price', right: true, cell: row => price(row.priceMicro + row.gridFeeMicro) },
      { title: 'slot', cell: row => timeOfDay(row.slot.startMs, now) },
      { title: 'state', cell: row => row.state },
      { title: 'id', cell: row => row.transactionId },
    ],
  })
}

export async function showTrade(client: Client, terminal: Terminal, how: { id: string; json: boolean }): Promise<void> {
  const trades = await client.get<Trade[]>(`/v1/trades?limit=${REMEMBERED}`)
  const [trade, ...others] = trades.filter(({ transactionId }) => transactionId.startsWith(how.id))
  if (trade === undefined)
    throw new CodedError('CLI_NO_TRADE', `no trade ${how.id} here`, { hint: 'see "wattmesh trade list"' })
  if (others.length > 0) {
    throw new CodedError('CLI_AMBIGUOUS', `${others.length + 1} trades begin with ${how.id}`, {
      hint: 'give more letters',
    })
  }
  if (how.json) return printJson(terminal, trade)
  const nameOf = await names(client)
  const now = systemClock.now()
  const signed = trade.contract === undefined ? 'no contract' : 'signed by both sides'
  const rows: [string, string][] = [
    ['trade', trade.transactionId],
    ['we', `${trade.role === 'buyer' ? 'buy from' : 'sell to'} ${nameOf(trade.counterparty)} (${trade.counterparty})`],
    ['energy', `${energy(trade.energyWh)} for the slot from ${timeOfDay(trade.slot.startMs, now)}`],
    ['price', `${price(trade.priceMicro)}, grid fee ${price(trade.gridFeeMicro)}`],
    ['state', trade.state],
    ['contract', trade.state === 'active' ? signed : '–'],
    ['started', timeOfDay(trade.startedMs, now)],
    ...(trade.reason === undefined ? [] : [['reason', trade.reason] as [string, string]]),
  ]
  for (const [title, value] of rows) printLine(terminal, `${title.padEnd(10)} ${value}`)
}

/** What peers call themselves; a peer that is unknown by its id's last letters. */
async function names(client: Client): Promise<(peer: string) => string> {
  const peers = await client.get<PeerRow[]>('/v1/peers')
  const byId = new Map(peers.map(({ peer, name }) => [peer as string, name]))
  return peer => byId.get(peer) || shortPeer(peer)
}

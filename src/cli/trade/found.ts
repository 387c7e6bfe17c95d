import type { Client } from '../../api/client.ts'
import { type NeedAnswer, type TradeAnswer, tradingCommands } from '../../domains/trading/commands.ts'
import { CodedError } from '../../kernel/errors.ts'

/** Trades and needs are looked for among this many of the newest. */
const REMEMBERED = 10_000

/** A trade by the first letters of its id. @throws CLI_NO_TRADE, CLI_AMBIGUOUS */
export async function findTrade(client: Client, id: string): Promise<TradeAnswer> {
  const trades = await client.of(tradingCommands).trades({ limit: REMEMBERED })
  const trade = theOne(trades, ({ transactionId }) => transactionId.startsWith(id), { id, what: 'trades' })
  if (trade !== undefined) return trade
  throw new CodedError('CLI_NO_TRADE', `no trade ${id} here`, { hint: 'see "wattmesh trade list"' })
}

/** A need by the first letters of its id; undefined when there is none. @throws CLI_AMBIGUOUS */
export async function findNeed(client: Client, id: string): Promise<NeedAnswer | undefined> {
  const needs = await client.of(tradingCommands).needs({ limit: REMEMBERED })
  return theOne(needs, need => need.id.startsWith(id), { id, what: 'needs' })
}

function theOne<Row>(
  rows: readonly Row[],
  wanted: (row: Row) => boolean,
  { id, what }: { id: string; what: string },
): Row | undefined {
  const [one, ...others] = rows.filter(wanted)
  if (others.length === 0) return one
  throw new CodedError('CLI_AMBIGUOUS', `${others.length + 1} ${what} begin with ${id}`, { hint: 'give more letters' })
}

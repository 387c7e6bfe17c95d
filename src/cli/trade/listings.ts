import type { Client } from '../../api/client.ts'
import { type TradeAnswer, tradingCommands } from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { landedMicro } from '../../kernel/money.ts'
import { openParties } from '../books/parties.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, price, timeOfDay } from '../terminal/units.ts'
import { progressText } from './after-sales.ts'
import { findTrade } from './found.ts'

export async function listTrades(
  client: Client,
  terminal: Terminal,
  how: { json: boolean; limit: number },
): Promise<void> {
  const [rows, { nameOf }] = await Promise.all([
    client.of(tradingCommands).trades({ limit: how.limit }),
    openParties(client),
  ])
  const now = systemClock.now()
  printTable(terminal, {
    rows,
    json: how.json,
    none: 'No trades yet. "wattmesh trade search" shows what is offered.',
    columns: [
      { title: 'started', cell: row => timeOfDay(row.startedMs, now) },
      { title: 'we', cell: row => (row.role === 'buyer' ? 'buy' : 'sell') },
      { title: 'with', cell: row => nameOf(row.counterparty) },
      { title: 'energy', right: true, cell: row => energy(row.energyWh) },
      {
        title: 'settled',
        right: true,
        cell: row => (row.settlement === undefined ? '–' : energy(row.settlement.finalWh)),
      },
      { title: 'price', right: true, cell: row => price(landedMicro(row)) },
      { title: 'slot', cell: row => timeOfDay(row.slot.startMs, now) },
      { title: 'state', cell: row => row.state },
      { title: 'id', cell: row => row.transactionId },
    ],
  })
}

export async function showTrade(client: Client, terminal: Terminal, how: { id: string; json: boolean }): Promise<void> {
  const trade = await findTrade(client, how.id)
  if (how.json) return printJson(terminal, trade)
  const { nameOf } = await openParties(client)
  const now = systemClock.now()
  for (const [title, value] of linesOf(trade, nameOf(trade.counterparty), now)) {
    // Names and words come from other peers: nothing in them may steer the terminal.
    printLine(terminal, `${title.padEnd(10)} ${plainText(value)}`)
  }
}

function shareOf({ utilityShareMicro }: TradeAnswer): string {
  return utilityShareMicro === undefined ? '' : `, utility's share ${price(utilityShareMicro)}`
}

function linesOf(trade: TradeAnswer, name: string, nowMs: number): [string, string][] {
  const { contract, settlement, settling, rating, support, refusals = {}, reason } = trade
  const optional: [string, string | undefined][] = [
    ['contract', contract && `${contract.terms.contractId}, signed by both sides`],
    ['curtailed', trade.curtailment?.toLowerCase().replaceAll('_', ' ')],
    [
      'metered',
      settlement && `${energy(settlement.finalWh)} settled${settlement.quality === 'OK' ? '' : ', estimated'}`,
    ],
    ['unsettled', settling?.reason],
    ['tracked', progressText(trade)],
    ['support', support && `${support.name} (${support.peer})`],
    ['rated', rating && `${rating.stars} of 5${rating.words === undefined ? '' : `: ${rating.words}`}`],
    ['asked', Object.values(refusals).join('; ') || undefined],
    ['reason', reason],
  ]
  return [
    ['trade', trade.transactionId],
    ['we', `${trade.role === 'buyer' ? 'buy from' : 'sell to'} ${name} (${trade.counterparty})`],
    ['energy', `${energy(trade.energyWh)} for the slot from ${timeOfDay(trade.slot.startMs, nowMs)}`],
    ['price', `${price(trade.priceMicro)}, grid fee ${price(trade.gridFeeMicro)}${shareOf(trade)}`],
    ['state', trade.state],
    ['started', timeOfDay(trade.startedMs, nowMs)],
    ...optional.filter((line): line is [string, string] => line[1] !== undefined),
  ]
}

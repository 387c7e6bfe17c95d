import type { Command } from 'commander'
import { type Client, openClient } from '../../api/client.ts'
import { booksCommands, type LedgerAnswer } from '../../domains/books/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { peerText } from '../../kernel/ids.ts'
import { moneyText } from '../../kernel/money.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, parseMoney, timeOfDay } from '../terminal/units.ts'
import { openParties } from './parties.ts'

type LedgerNeighbour = LedgerAnswer['neighbours'][number]
type LedgerBatch = LedgerAnswer['batches'][number]

const NEWEST = 30

export function registerLedger(program: Command, terminal: Terminal): void {
  const client = () => openClient(homeOf(program, terminal))
  const ledger = program
    .command('ledger [peer]')
    .description('who owes whom; with a peer, what passed between us')
    .option('--json', 'for programs')
    .action((peer: string | undefined, { json }: { json?: boolean }) =>
      show(peer, { client: client(), terminal, json: json === true }),
    )

  ledger
    .command('net <peer>')
    .description('propose to a neighbour to net what is open into one statement that both sign')
    .action(async (text: string) => {
      const daemon = client()
      const { meant, nameOf } = await openParties(daemon)
      const peer = meant(text)
      await daemon.of(booksCommands).net({ peer })
      printLine(terminal, `proposed a statement to ${plainText(nameOf(peer))}; it counts once both have signed`)
    })

  ledger
    .command('paid <peer> <amount>')
    .description('note that a debt between this peer and a neighbour was paid, outside of wattmesh')
    .action(async (text: string, amount: string) => {
      const micro = parseMoney(amount)
      const daemon = client()
      const { meant, nameOf } = await openParties(daemon)
      const peer = meant(text)
      await daemon.of(booksCommands).paid({ peer, micro })
      printLine(terminal, `noted: ${moneyText(micro)} paid, between this peer and ${plainText(nameOf(peer))}`)
    })
}

interface How {
  readonly client: Client
  readonly terminal: Terminal
  readonly json: boolean
}

async function show(text: string | undefined, { client, terminal, json }: How): Promise<void> {
  const view = await client.of(booksCommands).ledger()
  const peer = text === undefined ? undefined : (await openParties(client)).meant(text)
  const shown = peer === undefined ? view : only(view, peer)
  if (view.sumMicro !== 0) terminal.fail()
  if (json) return printJson(terminal, shown)
  printNeighbours(shown, terminal)
  if (peer === undefined) printBalances(shown, terminal)
  else printBatches(shown, terminal)
}

/** What concerns one neighbour; the sum stays that of the whole ledger, which alone must be zero. */
function only(view: LedgerAnswer, peer: string): LedgerAnswer {
  return {
    ...view,
    neighbours: view.neighbours.filter(row => row.peer === peer),
    balances: view.balances.filter(({ account }) => account.endsWith(peer)),
    batches: view.batches.filter(batch => batch.counterparty === peer),
  }
}

function printNeighbours({ neighbours, currency }: LedgerAnswer, terminal: Terminal): void {
  printTable(terminal, {
    rows: neighbours,
    json: false,
    none: 'Nobody owes anybody anything. Trades are booked when they are settled, after their slot.',
    columns: [
      { title: 'neighbour', cell: row => row.name || peerText(row.peer) },
      { title: 'who owes', cell: ({ balanceMicro }) => owes(balanceMicro) },
      { title: 'amount', right: true, cell: ({ balanceMicro }) => moneyText(Math.abs(balanceMicro), currency) },
      { title: 'limit', right: true, cell: ({ limitMicro }) => moneyText(limitMicro, currency) },
      { title: 'used', right: true, cell: usedOf },
      { title: 'not settled', right: true, cell: ({ unsettledWh }) => energy(unsettledWh) },
    ],
  })
}

function owes(balanceMicro: number): string {
  if (balanceMicro === 0) return 'nobody'
  return balanceMicro > 0 ? 'they do' : 'we do'
}

function usedOf({ balanceMicro, limitMicro }: LedgerNeighbour): string {
  return limitMicro === 0 ? '–' : `${Math.round((Math.abs(balanceMicro) / limitMicro) * 100)} %`
}

function printBalances({ balances, currency, sumMicro }: LedgerAnswer, terminal: Terminal): void {
  if (balances.length === 0) return
  printLine(terminal)
  // Neighbours stand in the table above; what is left are this peer's own accounts.
  const own = balances.filter(({ account }) => !account.startsWith('neighbour:'))
  const neighbours = balances.filter(({ account }) => account.startsWith('neighbour:'))
  const rows = [
    ...own,
    { account: 'all neighbours', micro: neighbours.reduce((sum, { micro }) => sum + micro, 0) },
    { account: sumMicro === 0 ? 'sum' : 'sum: must be zero, the books are wrong', micro: sumMicro },
  ]
  printTable(terminal, {
    rows,
    json: false,
    none: '',
    columns: [
      { title: 'account', cell: ({ account }) => account },
      { title: 'balance', right: true, cell: ({ micro }) => moneyText(micro, currency) },
    ],
  })
}

function printBatches({ batches, currency }: LedgerAnswer, terminal: Terminal): void {
  if (batches.length === 0) return
  printLine(terminal)
  const now = systemClock.now()
  printTable(terminal, {
    rows: batches.slice(-NEWEST),
    json: false,
    none: '',
    columns: [
      { title: 'booked', cell: ({ atMs }) => timeOfDay(atMs, now) },
      { title: 'kind', cell: ({ kind }) => kind },
      { title: 'for us', right: true, cell: batch => moneyText(changeOf(batch), currency) },
      { title: 'what', cell: ({ description }) => description },
    ],
  })
  if (batches.length > NEWEST) printLine(terminal, `the newest ${NEWEST} of ${batches.length}; --json has them all`)
}

/** By how much the neighbour came to owe us more. */
function changeOf({ postings }: LedgerBatch): number {
  return postings.filter(({ account }) => account.startsWith('neighbour:')).reduce((sum, { micro }) => sum + micro, 0)
}

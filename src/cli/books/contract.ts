import type { Command } from 'commander'
import { type Client, openClient } from '../../api/client.ts'
import { type SignedTradeAnswer, tradingCommands } from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { moneyText } from '../../kernel/money.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, energy, price, timeOfDay } from '../terminal/units.ts'
import { findTrade } from '../trade/found.ts'
import { openParties, type Parties } from './parties.ts'

export function registerContract(program: Command, terminal: Terminal): void {
  program
    .command('contract')
    .description('what two peers have signed')
    .command('show <id>')
    .description('parties, terms, signatures and settlement of a trade; the first letters of its id will do')
    .option('--json', 'for programs')
    .action((id: string, { json }: { json?: boolean }) =>
      show(id, { client: openClient(homeOf(program, terminal)), terminal, json: json === true }),
    )
}

async function show(id: string, { client, terminal, json }: { client: Client; terminal: Terminal; json: boolean }) {
  const { transactionId } = await findTrade(client, id)
  const trade = await client.of(tradingCommands).trade({ id: transactionId })
  const good = trade.signaturesGood
  if (good !== undefined && !(good.buyer && good.seller)) terminal.fail()
  if (json) {
    const { contract, settlement, receipt } = trade
    return printJson(terminal, {
      transactionId,
      state: trade.state,
      contract,
      signaturesGood: good,
      settlement,
      receipt,
    })
  }
  const lines = contractLines(trade, await openParties(client), systemClock.now())
  for (const [title, value] of lines) printLine(terminal, `${title.padEnd(11)} ${plainText(value)}`)
  printSettlement(trade, terminal)
}

/** @throws CLI_NO_CONTRACT */
export function contractLines(
  { transactionId, state, contract, signaturesGood, reason }: SignedTradeAnswer,
  { nameOf }: Pick<Parties, 'nameOf'>,
  nowMs: number,
): [string, string][] {
  if (contract === undefined) {
    throw new CodedError('CLI_NO_CONTRACT', `trade ${transactionId} is ${state}: nothing has been signed`, {
      hint: reason ?? `"wattmesh trade why ${transactionId}" tells how it went`,
    })
  }
  const { terms } = contract
  const { slot, shortfall, currency, utilityShareMicro } = terms
  const share = utilityShareMicro === undefined ? '' : `, utility's share ${price(utilityShareMicro, currency)}`
  const grade = (role: 'buyer' | 'seller'): string => {
    if (signaturesGood === undefined) return 'not checked'
    return signaturesGood[role] ? '✔ good' : '✘ NOT that of this peer, or not over these terms'
  }
  return [
    ['contract', `${terms.contractId}, revision ${terms.revision}`],
    ['buyer', `${nameOf(terms.buyer)} (${terms.buyer})`],
    ['seller', `${nameOf(terms.seller)} (${terms.seller})`],
    ['energy', energy(terms.energyWh)],
    ['slot', `from ${timeOfDay(slot.startMs, nowMs)}, ${duration(slot.durationMs)}`],
    ['price', `${price(terms.priceMicro, currency)}, grid fee ${price(terms.gridFeeMicro, currency)}${share}`],
    [
      'shortfall',
      `${price(shortfall.utilityPriceMicro, currency)}, beyond ${shortfall.tolerancePercent} % also ${price(shortfall.penaltyMicro, currency)}`,
    ],
    ['signed', `buyer ${grade('buyer')}; seller ${grade('seller')}`],
    ['state', state],
  ]
}

function printSettlement({ settlement, contract }: SignedTradeAnswer, terminal: Terminal): void {
  if (settlement === undefined) {
    printLine(terminal, 'settlement  none yet')
    return
  }
  const currency = contract?.terms.currency
  const { finalWh, shortfallWh, buyer, seller, quality, flows } = settlement
  const missing = shortfallWh === 0 ? '' : `, ${energy(shortfallWh)} filled in by the utility`
  const estimated = quality === 'OK' ? '' : '; estimated, as a meter was silent'
  const metered = `seller gave ${energy(seller.energyWh)}, buyer took ${energy(buyer.energyWh)}`
  printLine(terminal, `settlement  ${energy(finalWh)} (${metered}${missing}${estimated})`)
  printLine(terminal)
  const sum = flows.reduce((total, { micro }) => total + micro, 0)
  const rows = [...flows, { role: 'sum', micro: sum, description: sum === 0 ? '' : 'must be zero: this is wrong' }]
  printTable(terminal, {
    rows,
    json: false,
    none: '',
    columns: [
      { title: 'who', cell: ({ role }) => role },
      { title: 'receives', right: true, cell: ({ micro }) => moneyText(micro, currency) },
      { title: 'for', cell: ({ description }) => description },
    ],
  })
  if (sum !== 0) terminal.fail()
}

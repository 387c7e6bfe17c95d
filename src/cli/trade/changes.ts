import type { Client } from '../../api/client.ts'
import { type TradeAnswer, tradingCommands } from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { moneyText } from '../../kernel/money.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, parseEnergy, timeOfDay } from '../terminal/units.ts'
import { lookUntil, whyNot } from './after-sales.ts'
import { findTrade } from './found.ts'

interface Stage {
  readonly client: Client
  readonly terminal: Terminal
}

const DECIMAL = 10

interface Question {
  readonly question: 'cancel' | 'rate'
  /** Whether the trade is as it was asked to be. */
  done(trade: TradeAnswer): boolean
}

const NOUNS = { cancel: 'cancellation', rate: 'rating' } as const

/** The trade once the seller has done what was asked of it. @throws CLI_REFUSED, CLI_SILENT */
async function answered(client: Client, transactionId: string, { question, done }: Question): Promise<TradeAnswer> {
  const isOpen = ({ asking }: TradeAnswer): boolean => asking?.[question] !== undefined
  const trade = await lookUntil(client, transactionId, one => isOver(one) || !isOpen(one))
  if (done(trade)) return trade
  const why = whyNot(trade, question)
  if (!isOpen(trade))
    throw new CodedError('CLI_REFUSED', `the trade is ${trade.state} as before${why}`, {
      hint: `"wattmesh trade show ${transactionId}" shows it`,
    })
  throw new CodedError('CLI_SILENT', `the seller has not answered the ${NOUNS[question]} yet${why}`, {
    hint: `the trade is ${trade.state} until it does; "wattmesh trade show ${transactionId}" tells what came of it`,
  })
}

function isOver({ state }: TradeAnswer): boolean {
  return state === 'cancelled' || state === 'expired' || state === 'refused'
}

/** @param flags `try`: only what it would cost */
export async function cancelTrade(
  id: string,
  flags: { try?: boolean; json?: boolean },
  { client, terminal }: Stage,
): Promise<void> {
  const { transactionId } = await findTrade(client, id)
  const terms = await client.of(tradingCommands).cancel({ id: transactionId, try: flags.try })
  if (!('feeMicro' in terms)) {
    const { state } = await answered(client, transactionId, { question: 'cancel', done: isOver })
    if (flags.json === true) return printJson(terminal, { transactionId, cancelled: true, state })
    return printLine(terminal, `trade ${transactionId} is ${state}`)
  }
  if (flags.json === true) return printJson(terminal, terms)
  const cost = terms.feeMicro === 0 ? 'costs nothing' : `costs ${moneyText(terms.feeMicro)}`
  const until = timeOfDay(terms.untilMs, systemClock.now())
  printLine(
    terminal,
    `to cancel trade ${transactionId} ${cost}, until ${until} of market time; nothing has changed yet`,
  )
}

export async function reduceTrade(id: string, amount: string, { client, terminal }: Stage): Promise<void> {
  const energyWh = parseEnergy(amount)
  const trade = await findTrade(client, id)
  if (energyWh >= trade.energyWh) {
    throw new CodedError(
      'CLI_NOT_LESS',
      `the trade is about ${energy(trade.energyWh)}; ${energy(energyWh)} is not less`,
      {
        hint: 'to buy more, make another trade: "wattmesh trade buy"',
      },
    )
  }
  await client.of(tradingCommands).reduce({ id: trade.transactionId, energyWh })
  printLine(
    terminal,
    `asked for ${energy(energyWh)} instead of ${energy(trade.energyWh)}; it holds once the other side has signed`,
  )
}

export async function rateTrade(
  id: string,
  stars: string,
  { words, ...stage }: Stage & { words?: string },
): Promise<void> {
  const { client, terminal } = stage
  if (!/^[1-5]$/.test(stars)) {
    throw new CodedError('CLI_BAD_RATING', `"${stars}" is no rating`, { hint: 'give 1 (bad) to 5 (good)' })
  }
  const { transactionId } = await findTrade(client, id)
  const rating = { stars: Number.parseInt(stars, DECIMAL), ...(words === undefined ? {} : { words }) }
  await client.of(tradingCommands).rate({ id: transactionId, ...rating })
  const isKept = ({ rating: kept }: TradeAnswer): boolean => kept?.stars === rating.stars && kept.words === words
  await answered(client, transactionId, { question: 'rate', done: isKept })
  printLine(terminal, `trade ${transactionId} is rated ${stars} of 5`)
}

/** Takes back everything this peer offers; trades that are agreed stay agreed. */
export async function withdrawOffers({ client, terminal }: Stage): Promise<void> {
  await client.of(tradingCommands).withdraw()
  printLine(terminal, 'nothing is offered any more; trades already agreed stay as they are')
}

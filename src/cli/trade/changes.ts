import type { Client } from '../../api/client.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, money, parseEnergy, timeOfDay } from '../terminal/units.ts'
import { findTrade } from './found.ts'

interface Stage {
  readonly client: Client
  readonly terminal: Terminal
}

interface CancelTerms {
  readonly feeMicro: number
  /** In market time. */
  readonly untilMs: number
}

const DECIMAL = 10

/** @param flags `try`: only what it would cost */
export async function cancelTrade(
  id: string,
  flags: { try?: boolean; json?: boolean },
  { client, terminal }: Stage,
): Promise<void> {
  const { transactionId } = await findTrade(client, id)
  const path = `/v1/trades/${encodeURIComponent(transactionId)}/cancel`
  if (flags.try !== true) {
    await client.post(path, {})
    if (flags.json === true) return printJson(terminal, { transactionId, cancelled: true })
    return printLine(terminal, `trade ${transactionId} is cancelled`)
  }
  const terms = await client.post<CancelTerms>(path, { try: true })
  if (flags.json === true) return printJson(terminal, terms)
  const cost = terms.feeMicro === 0 ? 'costs nothing' : `costs ${money(terms.feeMicro)}`
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
  await client.post(`/v1/trades/${encodeURIComponent(trade.transactionId)}/reduce`, { energyWh })
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
  await client.post(`/v1/trades/${encodeURIComponent(transactionId)}/rate`, rating)
  printLine(terminal, `trade ${transactionId} is rated ${stars} of 5`)
}

/** Takes back everything this peer offers; trades that are agreed stay agreed. */
export async function withdrawOffers({ client, terminal }: Stage): Promise<void> {
  await client.post('/v1/withdraw', {})
  printLine(terminal, 'nothing is offered any more; trades already agreed stay as they are')
}

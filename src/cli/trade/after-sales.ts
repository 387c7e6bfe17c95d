import type { Client } from '../../api/client.ts'
import { withNews } from '../../api/news.ts'
import {
  CURTAILMENT_REASONS,
  type CurtailmentReason,
  type TradeAnswer,
  type TradeQuestion,
  tradingCommands,
} from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { openParties } from '../books/parties.ts'
import { plainText } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, parseEnergy, timeOfDay } from '../terminal/units.ts'
import { findTrade } from './found.ts'

interface Stage {
  readonly client: Client
  readonly terminal: Terminal
  readonly json: boolean
}

/** How long the other side may take to answer while somebody looks on. */
const ANSWER_MS = 10_000
const NOTHING = /^0+(?:\.0+)?\s*(?:k?wh)?$/i

/** Reasons as they are typed: `grid-outage`. */
export const CURTAILMENT_WORDS = CURTAILMENT_REASONS.map(reason => reason.toLowerCase().replaceAll('_', '-'))

/** Seller: delivers less than it sold, or nothing at all. */
export async function curtailTrade(
  id: string,
  { amount, reason }: { amount: string; reason: string },
  { client, terminal, json }: Stage,
): Promise<void> {
  const energyWh = NOTHING.test(amount.trim()) ? 0 : parseEnergy(amount)
  const before = await findTrade(client, id)
  await client.of(tradingCommands).curtail({ id: before.transactionId, energyWh, reason: reasonOf(reason) })
  const isOpen = ({ state, proposal }: TradeAnswer): boolean => state === 'active' && proposal !== undefined
  const after = await lookUntil(client, before.transactionId, trade => !isOpen(trade))
  const less = `${energy(energyWh)} instead of ${energy(before.energyWh)}`
  if (!isOpen(after) && after.energyWh !== energyWh) {
    throw new CodedError('CLI_REFUSED', `not curtailed to ${less}${whyNot(after, 'update')}`, {
      hint: `the trade is ${after.state}; "wattmesh trade show ${after.transactionId}" shows it`,
    })
  }
  if (json) return printJson(terminal, after)
  printLine(
    terminal,
    isOpen(after) ? `asked for ${less}; it holds once the buyer has signed` : `curtailed to ${less}: both have signed`,
  )
}

/** Buyer: where the delivery stands, as the seller says. */
export async function trackTrade(id: string, { client, terminal, json }: Stage): Promise<void> {
  const trade = await ask(client, id, { what: 'track', told: ({ progress }) => progress?.atMs })
  if (json) return printJson(terminal, trade.progress)
  printLine(terminal, progressText(trade) ?? '')
}

/** Buyer: whom to turn to about a trade. */
export async function askSupport(id: string, { client, terminal, json }: Stage): Promise<void> {
  const { support } = await ask(client, id, { what: 'support', told: ({ support }) => support?.peer })
  if (json) return printJson(terminal, support)
  const { nameOf } = await openParties(client)
  const { name = '', peer = '' } = support ?? {}
  const known = nameOf(peer) === name ? '' : `, known here as ${nameOf(peer)}`
  printLine(terminal, plainText(`ask ${name} (${peer}${known}) and name the trade`))
}

/** As the seller said it last; undefined: never asked. */
export function progressText({ progress, energyWh, state }: TradeAnswer): string | undefined {
  if (progress === undefined) return undefined
  if (state !== 'active' && state !== 'settled') return `nothing is delivered: the trade is ${state}`
  const phases: Record<typeof progress.phase, string> = {
    before: 'not begun',
    running: 'running',
    delivered: 'over, not settled',
    settled: 'settled',
  }
  const metered =
    progress.meteredWh === undefined ? '' : `, the seller’s meter vouches for ${energy(progress.meteredWh)}`
  const at = timeOfDay(progress.atMs, systemClock.now())
  return `delivery of ${energy(energyWh)}: ${phases[progress.phase]}${metered} (said at ${at})`
}

interface Asking {
  readonly what: 'track' | 'support'
  /** What is in the trade once the answer is, and changes with it. */
  told(trade: TradeAnswer): unknown
}

/** Asks the other side, and waits for what it says. @throws CLI_SILENT, CLI_REFUSED */
async function ask(client: Client, id: string, { what, told }: Asking): Promise<TradeAnswer> {
  const { transactionId } = await findTrade(client, id)
  const trading = client.of(tradingCommands)
  const before = await trading.trade({ id: transactionId })
  await trading[what]({ id: transactionId })
  const after = await lookUntil(client, transactionId, trade => trade.asking?.[what] === undefined)
  if (after.asking?.[what] !== undefined) {
    throw new CodedError('CLI_SILENT', 'the seller has not answered yet', {
      hint: `its answer is kept when it comes: "wattmesh trade show ${transactionId}"`,
    })
  }
  // Support has one answer and may say it again.
  const isOld = told(after) === undefined || (what === 'track' && told(after) === told(before))
  if (after.refusals?.[what] !== undefined || isOld) {
    throw new CodedError('CLI_REFUSED', `the seller does not answer${whyNot(after, what)}`, {
      hint: '"wattmesh peers" shows whether it is there',
    })
  }
  return after
}

/** What came of that question, as the end of a sentence. */
export function whyNot({ refusals }: TradeAnswer, question: TradeQuestion): string {
  const refusal = refusals?.[question]
  return refusal === undefined ? '' : `: ${plainText(refusal)}`
}

/** The trade when it is as wanted, or after `ANSWER_MS` as it is then. */
export async function lookUntil(
  client: Client,
  id: string,
  wanted: (trade: TradeAnswer) => boolean,
): Promise<TradeAnswer> {
  const untilMs = systemClock.now() + ANSWER_MS
  return withNews(client, undefined, async news => {
    for (;;) {
      const trade = await client.of(tradingCommands).trade({ id })
      const leftMs = untilMs - systemClock.now()
      if (wanted(trade) || leftMs <= 0) return trade
      await news.next({ mostMs: leftMs })
    }
  })
}

function reasonOf(word: string): CurtailmentReason {
  const reason = CURTAILMENT_REASONS[CURTAILMENT_WORDS.indexOf(word.toLowerCase())]
  if (reason !== undefined) return reason
  throw new CodedError('CLI_BAD_REASON', `"${word}" is no reason to curtail`, {
    hint: `one of ${CURTAILMENT_WORDS.join(', ')}`,
  })
}

import type { Client } from '../../api/client.ts'
import { type DecisionAnswer, energyCommands } from '../../domains/energy/commands.ts'
import { type NeedAnswer, type TradeAnswer, tradingCommands } from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { landedMicro } from '../../kernel/money.ts'
import { openParties } from '../books/parties.ts'
import { plainText } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, price, timeOfDay } from '../terminal/units.ts'
import { findNeed, findTrade } from './found.ts'

/** Everything that is known of one purchase, or of one sale. */
export interface Causes {
  readonly need?: NeedAnswer
  /** Oldest first. */
  readonly trades: readonly TradeAnswer[]
  /** For the slot in question. */
  readonly decisions: readonly DecisionAnswer[]
}

interface Event {
  readonly atMs: number
  readonly text: string
}

const DECISIONS = 1000

/** Tells why a trade was made and how it went, as a short story in the order of time. */
export async function tellWhy(client: Client, terminal: Terminal, how: { id: string; json: boolean }): Promise<void> {
  const causes = await causesOf(client, how.id)
  if (how.json) return printJson(terminal, causes)
  const { nameOf } = await openParties(client)
  const now = systemClock.now()
  for (const { atMs, text } of storyOf(causes, nameOf)) {
    printLine(terminal, `${timeOfDay(atMs, now)}  ${plainText(text)}`)
  }
}

async function causesOf(client: Client, id: string): Promise<Causes> {
  const trading = client.of(tradingCommands)
  const asked = await findNeed(client, id)
  const trade = asked === undefined ? await findTrade(client, id) : undefined
  const need = trade?.needId === undefined ? asked : await trading.need({ id: trade.needId })
  const [trades, decisions] = await Promise.all([
    need === undefined ? [] : trading.needTrades({ id: need.id }),
    client.of(energyCommands).decisions({ limit: DECISIONS }),
  ])
  const slot = (need ?? trade)?.slot
  return {
    ...(need === undefined ? {} : { need }),
    trades: (need === undefined && trade !== undefined ? [trade] : trades).toSorted(
      (a, b) => a.startedMs - b.startedMs,
    ),
    decisions: decisions.filter(decision => slot !== undefined && decision.slot * slot.durationMs === slot.startMs),
  }
}

/**
 * Decision, wish, steps, trades, end. Times of decisions and needs are the daemon's clock, so they can be put in one
 * order; what has the same time keeps the order in which it follows.
 */
export function storyOf({ need, trades, decisions }: Causes, nameOf: (peer: string) => string): Event[] {
  const events: Event[] = [
    ...decisions.map(decisionEvent),
    ...(need === undefined ? [] : [wish(need), ...need.steps]),
    ...trades.map(trade => beginning(trade, nameOf)),
  ].toSorted((a, b) => a.atMs - b.atMs)
  const lastMs = events.at(-1)?.atMs ?? 0
  const ends = trades.map(trade => ({ atMs: lastMs, text: endOf(trade, nameOf) }))
  return [...events, ...ends, ...(need === undefined ? [] : [{ atMs: lastMs, text: outcomeOf(need) }])]
}

function decisionEvent({ action, energyWh, reason, atMs }: DecisionAnswer): Event {
  const what = energyWh > 0 ? `${action} ${energy(energyWh)}` : action
  return { atMs, text: `The household decided to ${what}: ${sentence(reason)}` }
}

function wish({ createdMs, energyWh, maxPriceMicro }: NeedAnswer): Event {
  return { atMs: createdMs, text: `Wanted ${energy(energyWh)} at ${price(maxPriceMicro)} at most, fees included.` }
}

function beginning({ startedMs, role, counterparty, energyWh, transactionId }: TradeAnswer, nameOf: NameOf): Event {
  const what = role === 'buyer' ? `Asked ${nameOf(counterparty)} for` : `${nameOf(counterparty)} asked for`
  return { atMs: startedMs, text: `${what} ${energy(energyWh)} (trade ${transactionId}).` }
}

type NameOf = (peer: string) => string

function endOf(trade: TradeAnswer, nameOf: NameOf): string {
  const { state, counterparty, energyWh, reason } = trade
  const agreed = `${energy(energyWh)} at ${price(landedMicro(trade))}`
  const what = state === 'active' || state === 'settled' ? `${state}, ${agreed}` : state
  return sentence(`With ${nameOf(counterparty)} it is ${what}${reason === undefined ? '' : `: ${reason}`}`)
}

function outcomeOf({ state, boughtWh, energyWh, reason }: NeedAnswer): string {
  const said: Record<NeedAnswer['state'], string> = {
    searching: 'Still searching',
    trading: `Still trading; ${energy(boughtWh)} of ${energy(energyWh)} are bought`,
    bought: 'All of it was bought',
    part: `${energy(boughtWh)} of ${energy(energyWh)} were bought`,
    failed: 'Nothing was bought',
  }
  return sentence(`${said[state]}: ${reason}`)
}

/** Reasons are written with and without their full stop. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

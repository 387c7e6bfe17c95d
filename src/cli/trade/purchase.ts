import type { Client } from '../../api/client.ts'
import { withNews } from '../../api/news.ts'
import { daemonCommands } from '../../daemon/commands.ts'
import { type NeedAnswer, type TradeAnswer, tradingCommands } from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { averageMicro, landedMicro } from '../../kernel/money.ts'
import { openParties, type Parties } from '../books/parties.ts'
import { createLive, type Live } from '../terminal/live.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, energy, price } from '../terminal/units.ts'

interface Watch {
  readonly client: Client
  readonly terminal: Terminal
  readonly json: boolean
}

/** Drawn that often, however much is told. */
const FRAME = { leastMs: 50, mostMs: 150 }
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const DONE: ReadonlySet<NeedAnswer['state']> = new Set<NeedAnswer['state']>(['bought', 'part', 'failed'])

/** Steps are quicker than looks: the journal tells each of them and when it was. */
const STEPS: Readonly<Record<string, string>> = {
  'out beckn.select': 'selecting: asked for a quote',
  'in beckn.on_select': 'quoted',
  'in beckn.on_init': 'reserved: the terms are agreed',
  'out beckn.confirm': 'confirming: signed by us',
  'in beckn.on_confirm': 'active: signed by both sides',
}

/** Shows a purchase step by step until it is made, has failed, or whoever looks on has seen enough. */
export async function followPurchase(first: NeedAnswer, { client, terminal, json }: Watch): Promise<void> {
  const signal = terminal.interrupted()
  const stream = json ? terminal.err : terminal.out
  const live = createLive(stream, withoutTime)
  const parties = await openParties(client)
  const trading = client.of(tradingCommands)
  const told = new Set<string>()
  let need = first
  let trades: readonly TradeAnswer[] = []
  await withNews(client, signal, async news => {
    for (let frame = 0, isNew = true; ; frame += 1) {
      const spinner = stream.isTTY === true ? `${FRAMES[frame % FRAMES.length]} ` : ''
      live.show(spinner + timed(systemClock.now() - first.createdMs, waitingFor(need)))
      if (isNew) {
        need = await trading.need({ id: first.id })
        trades = await trading.needTrades({ id: first.id })
        tellSteps(await stepsOf({ need, trades, client, parties }), { sinceMs: first.createdMs, told, live })
      }
      if (DONE.has(need.state) || signal.aborted) return
      isNew = await news.next(FRAME)
    }
  })
  live.done()
  if (json) printJson(terminal, { need, trades })
  conclude({ need, trades, parties }, { terminal, json })
}

interface Step {
  readonly key: string
  readonly atMs: number
  readonly text: string
}

/** What the buyer decided, and what passed between it and each seller, in one order. */
async function stepsOf(seen: {
  need: NeedAnswer
  trades: readonly TradeAnswer[]
  client: Client
  parties: Parties
}): Promise<Step[]> {
  const { need, trades, client, parties } = seen
  const decided = need.steps.map(({ atMs, text }, i) => ({ key: `${i} ${atMs} ${text}`, atMs, text: plainText(text) }))
  const passed = await Promise.all(
    trades.map(async ({ transactionId, counterparty }) => {
      const messages = await client.of(daemonCommands).messages({ task: transactionId })
      return messages.flatMap(({ id, at, type, direction }): Step[] => {
        const step = STEPS[`${direction} ${type}`]
        const name = plainText(parties.nameOf(counterparty))
        return step === undefined ? [] : [{ key: id, atMs: at, text: `${name}: ${step}` }]
      })
    }),
  )
  return [...decided, ...passed.flat()].toSorted((a, b) => a.atMs - b.atMs)
}

function tellSteps(
  steps: readonly Step[],
  { sinceMs, told, live }: { sinceMs: number; told: Set<string>; live: Live },
) {
  for (const { key, atMs, text } of steps) {
    if (told.has(key)) continue
    told.add(key)
    live.say(timed(atMs - sinceMs, text))
  }
}

function timed(ms: number, said: string): string {
  return `${duration(ms).padStart(8)}  ${said}`
}

function withoutTime(line: string): string {
  return line.slice(line.lastIndexOf('  '))
}

function waitingFor({ state, answered, boughtWh, energyWh }: NeedAnswer): string {
  if (state === 'searching') return `searching: ${answers(answered.length)}`
  const still = boughtWh === 0 ? '' : `; ${energy(boughtWh)} of ${energy(energyWh)} are bought`
  return `waiting for the seller${still}`
}

function answers(count: number): string {
  if (count === 0) return 'nobody has answered yet'
  return count === 1 ? '1 seller has answered' : `${count} sellers have answered`
}

interface Result {
  readonly need: NeedAnswer
  readonly trades: readonly TradeAnswer[]
  readonly parties: Parties
}

function conclude({ need, trades, parties }: Result, { terminal, json }: { terminal: Terminal; json: boolean }): void {
  if (need.state === 'failed') {
    throw new CodedError('CLI_NOT_BOUGHT', `nothing was bought: ${need.reason}`, {
      hint: '"wattmesh trade search" shows what is offered; --max raises what you pay at most',
    })
  }
  if (!DONE.has(need.state)) {
    terminal.err.write(`The trade goes on without us; "wattmesh trade why ${need.id}" tells how it went.\n`)
    return
  }
  // Part of it is not what was asked for, and scripts should notice.
  if (need.state === 'part') terminal.fail()
  if (json) return
  const made = trades.filter(({ state }) => state === 'active' || state === 'settled')
  if (made.length > 1) printSplit(made, parties, terminal)
  printLine(terminal, sumOf(need, made, parties))
}

function printSplit(trades: readonly TradeAnswer[], { nameOf }: Parties, terminal: Terminal): void {
  printTable(terminal, {
    rows: trades,
    json: false,
    none: '',
    columns: [
      { title: 'seller', cell: trade => nameOf(trade.counterparty) },
      { title: 'energy', right: true, cell: trade => energy(trade.energyWh) },
      { title: 'price', right: true, cell: trade => price(landedMicro(trade)) },
      { title: 'trade', cell: trade => trade.transactionId },
    ],
  })
}

/** One sentence: how much, from whom, at what price on average, fees included. */
export function sumOf(need: NeedAnswer, made: readonly TradeAnswer[], { nameOf }: Parties): string {
  const boughtWh = made.reduce((sum, { energyWh }) => sum + energyWh, 0)
  const paidMicro = averageMicro(made.map(trade => ({ energyWh: trade.energyWh, priceMicro: landedMicro(trade) })))
  const [first, ...others] = made
  if (first === undefined || paidMicro === undefined) return `Bought nothing: ${plainText(need.reason)}.`
  const what = need.state === 'part' ? `only ${energy(boughtWh)} of ${energy(need.energyWh)}` : energy(boughtWh)
  const from =
    others.length === 0 ? `from ${plainText(nameOf(first.counterparty))}` : `from ${made.length} sellers, on average`
  const end = others.length === 0 ? ` Trade ${first.transactionId}` : ''
  const why = need.state === 'part' ? ` The rest: ${plainText(need.reason)}.` : ''
  return `Bought ${what} ${from} at ${price(paidMicro)}.${why}${end}`
}

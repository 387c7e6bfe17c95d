import type { Client } from '../../api/client.ts'
import type { Commands } from '../../commands.ts'
import { landedMicro } from '../../domains/trading/money.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { openParties, type Parties } from '../books/parties.ts'
import { createLive, type Live } from '../terminal/live.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, energy, price } from '../terminal/units.ts'
import type { Need, Trade } from './found.ts'

type Message = ReturnType<Commands['messages']>[number]

interface Watch {
  readonly client: Client
  readonly terminal: Terminal
  readonly json: boolean
}

const LOOK_MS = 150
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const DONE: ReadonlySet<Need['state']> = new Set<Need['state']>(['bought', 'part', 'failed'])

/** Steps are quicker than looks: the journal tells each of them and when it was. */
const STEPS: Readonly<Record<string, string>> = {
  'out beckn.select': 'selecting: asked for a quote',
  'in beckn.on_select': 'quoted',
  'in beckn.on_init': 'reserved: the terms are agreed',
  'out beckn.confirm': 'confirming: signed by us',
  'in beckn.on_confirm': 'active: signed by both sides',
}

/** Shows a purchase step by step until it is made, has failed, or whoever looks on has seen enough. */
export async function followPurchase(first: Need, { client, terminal, json }: Watch): Promise<void> {
  const signal = terminal.interrupted()
  const stream = json ? terminal.err : terminal.out
  const live = createLive(stream, withoutTime)
  const parties = await openParties(client)
  const told = new Set<string>()
  let need = first
  let trades: Trade[] = []
  for (let look = 0; ; look += 1) {
    need = await client.get<Need>(`/v1/needs/${first.id}`)
    trades = await client.get<Trade[]>(`/v1/needs/${first.id}/trades`)
    tellSteps(await eventsOf({ need, trades, client, parties }), { sinceMs: first.createdMs, told, live })
    if (DONE.has(need.state) || signal.aborted) break
    const frame = stream.isTTY === true ? `${FRAMES[look % FRAMES.length]} ` : ''
    live.show(frame + timed(systemClock.now() - first.createdMs, waitingFor(need)))
    await systemClock.sleep(LOOK_MS, signal)
  }
  live.done()
  if (json) printJson(terminal, { need, trades })
  conclude({ need, trades, parties }, { terminal, json })
}

interface Event {
  readonly key: string
  readonly atMs: number
  readonly text: string
}

/** What the buyer decided, and what passed between it and each seller, in one order. */
async function eventsOf(seen: { need: Need; trades: Trade[]; client: Client; parties: Parties }): Promise<Event[]> {
  const { need, trades, client, parties } = seen
  const decided = need.steps.map(({ atMs, text }, i) => ({ key: `${i} ${atMs} ${text}`, atMs, text: plainText(text) }))
  const passed = await Promise.all(
    trades.map(async ({ transactionId, counterparty }) => {
      const messages = await client.get<Message[]>(`/v1/messages?task=${encodeURIComponent(transactionId)}`)
      return messages.flatMap(({ id, at, type, direction }): Event[] => {
        const step = STEPS[`${direction} ${type}`]
        const name = plainText(parties.nameOf(counterparty))
        return step === undefined ? [] : [{ key: id, atMs: at, text: `${name}: ${step}` }]
      })
    }),
  )
  return [...decided, ...passed.flat()].toSorted((a, b) => a.atMs - b.atMs)
}

function tellSteps(
  events: readonly Event[],
  { sinceMs, told, live }: { sinceMs: number; told: Set<string>; live: Live },
) {
  for (const { key, atMs, text } of events) {
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

function waitingFor({ state, answered, boughtWh, energyWh }: Need): string {
  if (state === 'searching') return `searching: ${answers(answered.length)}`
  const still = boughtWh === 0 ? '' : `; ${energy(boughtWh)} of ${energy(energyWh)} are bought`
  return `waiting for the seller${still}`
}

function answers(count: number): string {
  if (count === 0) return 'nobody has answered yet'
  return count === 1 ? '1 seller has answered' : `${count} sellers have answered`
}

interface Result {
  readonly need: Need
  readonly trades: readonly Trade[]
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

function printSplit(trades: readonly Trade[], { nameOf }: Parties, terminal: Terminal): void {
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
export function sumOf(need: Need, made: readonly Trade[], { nameOf }: Parties): string {
  const boughtWh = made.reduce((sum, { energyWh }) => sum + energyWh, 0)
  const paid = made.reduce((sum, trade) => sum + trade.energyWh * landedMicro(trade), 0)
  const [first, ...others] = made
  if (first === undefined || boughtWh === 0) return `Bought nothing: ${plainText(need.reason)}.`
  const what = need.state === 'part' ? `only ${energy(boughtWh)} of ${energy(need.energyWh)}` : energy(boughtWh)
  const from =
    others.length === 0 ? `from ${plainText(nameOf(first.counterparty))}` : `from ${made.length} sellers, on average`
  const end = others.length === 0 ? ` Trade ${first.transactionId}` : ''
  const why = need.state === 'part' ? ` The rest: ${plainText(need.reason)}.` : ''
  return `Bought ${what} ${from} at ${price(Math.round(paid / boughtWh))}.${why}${end}`
}

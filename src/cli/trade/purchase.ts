import type { Client } from '../../api/client.ts'
import type { Commands } from '../../commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { createLive, type Live } from '../terminal/live.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, energy, price, shortPeer } from '../terminal/units.ts'
import type { Trade } from './listings.ts'

type Need = NonNullable<ReturnType<Commands['need']>>

type Message = ReturnType<Commands['messages']>[number]

interface Watch {
  readonly client: Client
  readonly terminal: Terminal
  readonly json: boolean
}

const LOOK_MS = 150

/** Steps are quicker than looks: the journal tells each of them and when it was. */
const STEPS: Readonly<Record<string, string>> = {
  'out beckn.select': 'selecting: asked for a quote',
  'in beckn.on_select': 'quoted: asked to reserve the energy',
  'in beckn.on_init': 'reserved: the terms are agreed',
  'out beckn.confirm': 'confirming: signed by us',
  'in beckn.on_confirm': 'active: signed by both sides',
}

/** Shows a purchase step by step until it is made or has failed. */
export async function followPurchase(first: Need, { client, terminal, json }: Watch): Promise<void> {
  const signal = terminal.interrupted()
  const live = createLive(json ? terminal.err : terminal.out, withoutTime)
  const told = new Set<string>()
  let need = first
  for (;;) {
    need = await client.get<Need>(`/v1/needs/${first.id}`)
    tellSteps(await messagesOf(need, client), { need, told, live })
    if (need.state === 'bought' || need.state === 'failed' || signal.aborted) break
    live.show(timed(systemClock.now() - first.createdMs, waitingFor(need)))
    await systemClock.sleep(LOOK_MS, signal)
  }
  live.done()
  const trade = await tradeOf(need, client)
  if (json) printJson(terminal, { need, ...(trade === undefined ? {} : { trade }) })
  conclude(need, trade, { terminal, json })
}

function tellSteps(messages: readonly Message[], told: { need: Need; told: Set<string>; live: Live }): void {
  for (const { id, at, type, direction, peer } of messages) {
    const step = STEPS[`${direction} ${type}`]
    if (step === undefined || told.told.has(id)) continue
    told.told.add(id)
    told.live.say(timed(at - told.need.createdMs, `${step} (${shortPeer(peer)})`))
  }
}

function timed(ms: number, said: string): string {
  return `${duration(ms).padStart(8)}  ${said}`
}

function withoutTime(line: string): string {
  return line.slice(line.lastIndexOf('  '))
}

async function messagesOf({ transactionId }: Need, client: Client): Promise<Message[]> {
  return transactionId === undefined ? [] : client.get<Message[]>(`/v1/messages?task=${transactionId}`)
}

async function tradeOf({ transactionId }: Need, client: Client): Promise<Trade | undefined> {
  return transactionId === undefined ? undefined : client.get<Trade>(`/v1/trades/${transactionId}`)
}

function waitingFor({ state, answered }: Need): string {
  return state === 'searching' ? `searching: ${answers(answered.length)}` : 'waiting for the seller'
}

function answers(count: number): string {
  if (count === 0) return 'nobody has answered yet'
  return count === 1 ? '1 seller has answered' : `${count} sellers have answered`
}

function conclude(
  need: Need,
  trade: Trade | undefined,
  { terminal, json }: { terminal: Terminal; json: boolean },
): void {
  if (need.state === 'failed') {
    throw new CodedError('CLI_NOT_BOUGHT', `nothing was bought: ${need.reason}`, {
      hint: '"wattmesh trade search" shows what is offered; --max raises what you pay at most',
    })
  }
  if (need.state !== 'bought' || trade === undefined) {
    terminal.err.write('The trade goes on without us; "wattmesh trade list" shows what comes of it.\n')
    return
  }
  if (json) return
  const landed = price(trade.priceMicro + trade.gridFeeMicro)
  printLine(terminal, `Bought ${energy(trade.energyWh)} at ${landed}. Trade ${trade.transactionId}`)
}

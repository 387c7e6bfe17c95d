import type { Client } from '../../api/client.ts'
import type { Commands } from '../../commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { createLive } from '../terminal/live.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, energy, price, shortPeer } from '../terminal/units.ts'
import type { Trade } from './listings.ts'

type Need = NonNullable<ReturnType<Commands['need']>>

interface Watch {
  readonly client: Client
  readonly terminal: Terminal
  readonly json: boolean
}

const LOOK_MS = 150

const STEP: Readonly<Record<Trade['state'], string>> = {
  selecting: 'selecting: asking for a quote',
  quoted: 'quoted: asking to reserve it',
  reserved: 'reserved: agreeing on the terms',
  confirming: 'confirming: signed by us, waiting for the seller',
  active: 'active: signed by both sides',
  cancelled: 'cancelled',
  expired: 'expired: the seller did not answer in time',
  refused: 'refused by the seller',
}

/** Shows a purchase step by step until it is made or has failed. */
export async function followPurchase(first: Need, { client, terminal, json }: Watch): Promise<void> {
  const signal = terminal.interrupted()
  const beganMs = systemClock.now()
  const live = createLive(json ? terminal.err : terminal.out, line => line.slice(line.indexOf('  ')))
  let need = first
  let trade: Trade | undefined
  while (!signal.aborted) {
    need = await client.get<Need>(`/v1/needs/${need.id}`)
    if (need.transactionId !== undefined) trade = await client.get<Trade>(`/v1/trades/${need.transactionId}`)
    live.show(`${duration(systemClock.now() - beganMs).padEnd(7)}  ${step(need, trade)}`)
    if (need.state === 'bought' || need.state === 'failed') break
    await systemClock.sleep(LOOK_MS, signal)
  }
  live.done()
  if (json) printJson(terminal, { need, ...(trade === undefined ? {} : { trade }) })
  conclude(need, trade, { terminal, json })
}

function step(need: Need, trade: Trade | undefined): string {
  if (need.state === 'searching') return `searching: ${answers(need.answered.length)}`
  if (need.state === 'failed') return 'failed'
  return trade === undefined ? 'choosing the cheapest offer' : `${STEP[trade.state]} (${shortPeer(trade.counterparty)})`
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
  if (json) return
  if (need.state !== 'bought' || trade === undefined) {
    printLine(terminal, 'The trade goes on without us; "wattmesh trade list" shows what comes of it.')
    return
  }
  const landed = price(trade.priceMicro + trade.gridFeeMicro)
  printLine(terminal, `Bought ${energy(trade.energyWh)} at ${landed}. Trade ${trade.transactionId}`)
}

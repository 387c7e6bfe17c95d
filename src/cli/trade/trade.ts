import type { Command } from 'commander'
import { type Client, openClient } from '../../api/client.ts'
import { daemonCommands } from '../../daemon/commands.ts'
import { tradingCommands } from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, parseCount, parseEnergy, parsePrice, price, timeOfDay } from '../terminal/units.ts'
import { askSupport, CURTAILMENT_WORDS, curtailTrade, trackTrade } from './after-sales.ts'
import { cancelTrade, rateTrade, reduceTrade, withdrawOffers } from './changes.ts'
import { listTrades, showTrade } from './listings.ts'
import { followPurchase } from './purchase.ts'
import { type SearchFlags, searchOffers } from './search.ts'
import { slotStart } from './slot-time.ts'
import { tellWhy } from './why.ts'

interface Flags {
  readonly json?: boolean
  readonly limit?: number
  readonly max?: string
  readonly price?: string
  readonly reason?: string
  readonly slot?: string
  readonly slots?: number
  readonly try?: boolean
  readonly wait?: boolean
  readonly words?: string
}

interface Stage {
  readonly trade: Command
  readonly client: () => Client
  readonly terminal: Terminal
}

export function registerTrade(program: Command, terminal: Terminal): void {
  const trade = program.command('trade').description('buy and sell energy for the next slot, or a later one')
  const stage = { trade, client: () => openClient(homeOf(program, terminal)), terminal }
  registerMarket(stage)
  registerLooking(stage)
  registerChanges(stage)
  registerAfterSales(stage)
}

function registerMarket({ trade, client, terminal }: Stage): void {
  trade
    .command('search')
    .alias('discover')
    .description('what neighbours offer, cheapest first')
    .option('--max-price <price>', 'at most this for a kWh, fees included')
    .option('--min-energy <energy>', 'at least this much: 0.5, 0.5kWh, 500Wh')
    .option('--source <type>', 'solar, battery, grid, hybrid or renewable')
    .option('--slot <time>', 'for the slot that begins then: 14:15 or 2026-06-01T14:15')
    .option('--json', 'for programs')
    .action((flags: SearchFlags) => searchOffers(client(), terminal, flags))

  trade
    .command('buy <energy>')
    .alias('order')
    .description('buy from the cheapest neighbours: 0.5, 0.5kWh, 500Wh')
    .option('--max <price>', 'pay at most this for a kWh, fees included')
    .option('--slot <time>', 'for the slot that begins then: 14:15 or 2026-06-01T14:15; else the next')
    .option('--no-wait', 'do not wait for the outcome')
    .option('--json', 'for programs')
    .action((amount: string, flags: Flags) => buy(amount, flags, { client: client(), terminal }))

  trade
    .command('sell <energy>')
    .description('offer energy to the neighbours: 0.5, 0.5kWh, 500Wh')
    .option('--price <price>', 'for a kWh')
    .option('--slot <time>', 'for the slot that begins then: 14:15 or 2026-06-01T14:15; else the next')
    .option('--slots <n>', 'as much in each of so many slots in a row, at most 12', parseCount)
    .option('--json', 'for programs')
    .action((amount: string, flags: Flags) => sell(amount, flags, { client: client(), terminal }))

  trade
    .command('withdraw')
    .description('take back everything this peer offers')
    .action(() => withdrawOffers({ client: client(), terminal }))
}

function registerLooking({ trade, client, terminal }: Stage): void {
  trade
    .command('list')
    .description('trades of this peer, newest first')
    .option('--limit <n>', 'how many', parseCount, 30)
    .option('--json', 'for programs')
    .action(({ json, limit }: Flags) => listTrades(client(), terminal, { json: json === true, limit: limit ?? 30 }))

  trade
    .command('show <id>')
    .description('one trade; the first letters of its id will do')
    .option('--json', 'for programs')
    .action((id: string, { json }: Flags) => showTrade(client(), terminal, { id, json: json === true }))

  trade
    .command('why <id>')
    .description('why a trade was made, or a need met or not: each decision in order')
    .option('--json', 'for programs')
    .action((id: string, { json }: Flags) => tellWhy(client(), terminal, { id, json: json === true }))
}

function registerChanges({ trade, client, terminal }: Stage): void {
  trade
    .command('cancel <id>')
    .description('cancel a trade')
    .option('--try', 'only say what it would cost, and until when it is possible')
    .option('--json', 'for programs')
    .action((id: string, flags: Flags) => cancelTrade(id, flags, { client: client(), terminal }))

  trade
    .command('reduce <id> <energy>')
    .description('ask the seller to agree to less energy, before the slot begins')
    .action((id: string, amount: string) => reduceTrade(id, amount, { client: client(), terminal }))

  trade
    .command('rate <id> <stars>')
    .description('rate a settled trade: 1 (bad) to 5 (good)')
    .option('--words <text>', 'and say why, shortly')
    .action((id: string, stars: string, { words }: Flags) =>
      rateTrade(id, stars, { client: client(), terminal, ...(words === undefined ? {} : { words }) }),
    )
}

function registerAfterSales({ trade, client, terminal }: Stage): void {
  const stage = ({ json }: Flags) => ({ client: client(), terminal, json: json === true })
  trade
    .command('curtail <id> <energy>')
    .description('deliver less than was sold, before the slot begins; 0 for nothing')
    .option('--reason <why>', CURTAILMENT_WORDS.join(', '), 'other')
    .option('--json', 'for programs')
    .action((id: string, amount: string, { reason = 'other', ...flags }: Flags) =>
      curtailTrade(id, { amount, reason }, stage(flags)),
    )

  trade
    .command('track <id>')
    .description('where the delivery of a purchase stands, as its seller says')
    .option('--json', 'for programs')
    .action((id: string, flags: Flags) => trackTrade(id, stage(flags)))

  trade
    .command('support <id>')
    .description('whom to turn to about a purchase')
    .option('--json', 'for programs')
    .action((id: string, flags: Flags) => askSupport(id, stage(flags)))
}

interface Asked {
  readonly client: Client
  readonly terminal: Terminal
}

async function slotAsked({ slot }: Flags, client: Client): Promise<{ slotStartMs?: number }> {
  if (slot === undefined) return {}
  const marketNow = async (): Promise<number> => (await client.of(daemonCommands).status()).marketNowMs
  return { slotStartMs: await slotStart(slot, marketNow) }
}

async function buy(amount: string, flags: Flags, { client, terminal }: Asked): Promise<void> {
  const { max, wait, json } = flags
  const request = {
    energyWh: parseEnergy(amount),
    ...(await slotAsked(flags, client)),
    ...(max === undefined ? {} : { maxPriceMicro: parsePrice(max) }),
  }
  const need = await client.of(tradingCommands).buy(request)
  if (wait !== false) return followPurchase(need, { client, terminal, json: json === true })
  if (json === true) return printJson(terminal, need)
  printLine(terminal, `looking for ${energy(need.energyWh)}; "wattmesh trade why ${need.id}" tells what comes of it`)
}

async function sell(amount: string, flags: Flags, { client, terminal }: Asked): Promise<void> {
  const request = {
    energyWh: parseEnergy(amount),
    ...(await slotAsked(flags, client)),
    ...(flags.slots === undefined ? {} : { slots: flags.slots }),
    ...(flags.price === undefined ? {} : { priceMicro: parsePrice(flags.price) }),
  }
  const catalog = await client.of(tradingCommands).sell(request)
  if (flags.json === true) return printJson(terminal, catalog)
  for (const { availableWh, priceMicro, slot } of catalog.offers) {
    const when = timeOfDay(slot.startMs, systemClock.now())
    const what = `${energy(availableWh)} at ${price(priceMicro, catalog.currency)}`
    printLine(terminal, `offered ${what} for the slot from ${when}`)
  }
}

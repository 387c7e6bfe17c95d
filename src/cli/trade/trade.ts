import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import type { Commands } from '../../commands.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { energy, parseCount, parseEnergy, parsePrice, price, timeOfDay } from '../terminal/units.ts'
import { listTrades, searchOffers, showTrade } from './listings.ts'
import { followPurchase } from './purchase.ts'

interface Flags {
  readonly json?: boolean
  readonly limit?: number
  readonly max?: string
  readonly price?: string
  readonly wait?: boolean
}
type Need = Awaited<ReturnType<Commands['buy']>>
type Catalog = Awaited<ReturnType<Commands['sell']>>

export function registerTrade(program: Command, terminal: Terminal): void {
  const trade = program.command('trade').description('buy and sell energy for the next slot')
  const client = () => openClient(homeOf(program, terminal))

  trade
    .command('search')
    .alias('discover')
    .description('what neighbours offer, cheapest first')
    .option('--json', 'for programs')
    .action(({ json }: Flags) => searchOffers(client(), terminal, json === true))

  trade
    .command('buy <energy>')
    .alias('order')
    .description('buy from the cheapest neighbour: 0.5, 0.5kWh, 500Wh')
    .option('--max <price>', 'pay at most this for a kWh, fees included')
    .option('--no-wait', 'do not wait for the outcome')
    .option('--json', 'for programs')
    .action(async (amount: string, { max, wait, json }: Flags) => {
      const daemon = client()
      const request = {
        energyWh: parseEnergy(amount),
        ...(max === undefined ? {} : { maxPriceMicro: parsePrice(max) }),
      }
      const need = await daemon.post<Need>('/v1/buy', request)
      if (wait !== false) return followPurchase(need, { client: daemon, terminal, json: json === true })
      if (json === true) return printJson(terminal, need)
      printLine(terminal, `looking for ${energy(need.energyWh)}; "wattmesh trade list" shows what comes of it`)
    })

  trade
    .command('sell <energy>')
    .description('offer energy to the neighbours: 0.5, 0.5kWh, 500Wh')
    .option('--price <price>', 'for a kWh')
    .option('--json', 'for programs')
    .action(async (amount: string, flags: Flags) => {
      const request = {
        energyWh: parseEnergy(amount),
        ...(flags.price === undefined ? {} : { priceMicro: parsePrice(flags.price) }),
      }
      const catalog = await client().post<Catalog>('/v1/sell', request)
      if (flags.json === true) return printJson(terminal, catalog)
      for (const { availableWh, priceMicro, slot } of catalog.offers) {
        const when = timeOfDay(slot.startMs, slot.startMs)
        const what = `${energy(availableWh)} at ${price(priceMicro, catalog.currency)}`
        printLine(terminal, `offered ${what} for the slot from ${when}`)
      }
    })

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
    .command('cancel <id>')
    .description('cancel a trade; only its whole id will do')
    .action(async (id: string) => {
      await client().post(`/v1/trades/${encodeURIComponent(id)}/cancel`, {})
      printLine(terminal, `trade ${id} is cancelled`)
    })
}

import type { Client } from '../../api/client.ts'
import { tradingCommands } from '../../domains/trading/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { openParties } from '../books/parties.ts'
import { printTable } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { energy, parseEnergy, parsePrice, price, timeOfDay } from '../terminal/units.ts'
import { slotBeginning } from './slot-time.ts'

export interface SearchFlags {
  readonly maxPrice?: string
  readonly minEnergy?: string
  readonly source?: string
  readonly slot?: string
  readonly json?: boolean
}

export interface OfferRow {
  /** A kWh, fees included. */
  readonly landedMicro: number
  readonly availableWh: number
  readonly slot: { readonly startMs: number }
  readonly sourceType: string
}

export async function searchOffers(client: Client, terminal: Terminal, flags: SearchFlags): Promise<void> {
  const now = systemClock.now()
  const wanted = offerFilter(flags)
  const [catalogs, parties] = await Promise.all([client.of(tradingCommands).catalogs(), openParties(client)])
  const all = catalogs.flatMap(({ offers, seller, role, sourceType, currency }) =>
    offers.map(offer => ({ ...offer, seller, sellerName: parties.nameOf(seller), role, sourceType, currency })),
  )
  const rows = all
    .filter(wanted)
    .toSorted(
      (a, b) => a.landedMicro - b.landedMicro || a.slot.startMs - b.slot.startMs || b.availableWh - a.availableWh,
    )
  printTable(terminal, {
    rows,
    json: flags.json === true,
    none:
      all.length === 0
        ? 'Nobody offers energy just now. "wattmesh peers" shows who is there to sell.'
        : `None of ${all.length} offers is like that. Leave out a filter to see more.`,
    columns: [
      { title: 'you pay', right: true, cell: row => price(row.landedMicro, row.currency) },
      { title: 'price', right: true, cell: row => price(row.priceMicro, row.currency) },
      {
        title: 'fees',
        right: true,
        cell: row => (row.landedMicro === row.priceMicro ? '–' : price(row.landedMicro - row.priceMicro, row.currency)),
      },
      { title: 'available', right: true, cell: row => energy(row.availableWh) },
      { title: 'slot', cell: row => timeOfDay(row.slot.startMs, now) },
      { title: 'source', cell: row => row.sourceType.toLowerCase() },
      { title: 'seller', cell: row => row.sellerName },
      { title: 'role', cell: row => row.role },
      { title: 'offer', cell: row => row.offerId },
    ],
  })
}

/** @throws CLI_BAD_PRICE, CLI_BAD_ENERGY, CLI_BAD_TIME */
export function offerFilter({ maxPrice, minEnergy, source, slot }: SearchFlags): (offer: OfferRow) => boolean {
  const mostMicro = maxPrice === undefined ? Infinity : parsePrice(maxPrice)
  const leastWh = minEnergy === undefined ? 0 : parseEnergy(minEnergy)
  const begins = slot === undefined ? undefined : slotBeginning(slot)
  const from = source?.toUpperCase()
  return offer =>
    offer.landedMicro <= mostMicro &&
    offer.availableWh >= leastWh &&
    (from === undefined || offer.sourceType === from) &&
    (begins === undefined || begins(offer.slot.startMs))
}

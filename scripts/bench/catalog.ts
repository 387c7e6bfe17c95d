import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createCatalogIndex, type Listing, matches, type OfferFilter } from '../../src/domains/trading/catalog-index.ts'
import type { Catalog } from '../../src/domains/trading/trade.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { numberedSlot } from '../../src/kernel/slot.ts'
import type { Figure, Part } from './figure.ts'
import { race } from './race.ts'

const SELLERS = 100
/** A day of quarters of an hour, and the hour after it. */
const SLOTS = 100
const OFFERS = SELLERS * SLOTS
const SLOT_MS = 900_000
const SEED = 7
const LENGTH = { rounds: 9, roundMs: 150 }
/** Copies whose memory is measured together: one alone is lost in what else the heap does. */
const COPIES = 20
const MB = 2 ** 20

/** The catalogs of a zone found by slot, against an array that is filtered. */
export const catalog: Part = {
  name: 'catalog',
  async run() {
    const catalogs = zone()
    const index = createCatalogIndex(catalogs)
    const listings = inOneArray(catalogs)
    const nextFilter = filters()
    requireEqual(index.query(nextFilter()).length, SELLERS)
    const speeds = await race(
      {
        index: () => timesOf(200, () => index.query(nextFilter())),
        array: () => timesOf(5, () => filtered(listings, nextFilter())),
        build: () => timesOf(2, () => createCatalogIndex(catalogs)),
        buildArray: () => timesOf(2, () => inOneArray(catalogs)),
        renew: () => timesOf(5, n => index.put(catalogs[n % SELLERS] as Catalog)),
      },
      LENGTH,
    )
    return figuresOf(speeds, {
      indexMb: memoryMb(() => createCatalogIndex(catalogs)),
      arrayMb: memoryMb(() => inOneArray(catalogs)),
    })
  },
}

type Speeds = Awaited<ReturnType<typeof race<'index' | 'array' | 'build' | 'buildArray' | 'renew'>>>

function figuresOf(speeds: Speeds, { indexMb, arrayMb }: { indexMb: number; arrayMb: number }): Figure[] {
  const size = `${OFFERS} offers of ${SELLERS} sellers in ${SLOTS} slots`
  const array = `an array of ${size}`
  const ms = (contender: 'index' | 'array' | 'build' | 'renew', name: string, against: string): Figure => ({
    name: `catalog.${name}Ms`,
    value: 1000 / speeds.rate(contender),
    unit: 'ms',
    against,
  })
  return [
    {
      name: 'catalog.queryVsFilter',
      value: speeds.ratio('index', 'array'),
      unit: 'ratio',
      atLeast: 5,
      against: `a filter over ${array}; one slot asked for`,
    },
    {
      name: 'catalog.buildVsArray',
      value: speeds.ratio('build', 'buildArray'),
      unit: 'ratio',
      against: `making ${array}`,
    },
    { name: 'catalog.memoryVsArray', value: indexMb / arrayMb, unit: 'ratio', against: `${array}, the offers apart` },
    ms('index', 'query', `${size}, one slot asked for`),
    ms('array', 'filter', `the same of an array`),
    ms('build', 'build', size),
    ms('renew', 'renew', `one seller's ${SLOTS} offers replaced`),
    { name: 'catalog.indexMB', value: indexMb, unit: 'MB', against: `${size}, the offers apart` },
  ]
}

function zone(): Catalog[] {
  const random = seededRandom(SEED)
  return Array.from({ length: SELLERS }, (_, n): Catalog => {
    const seller = `seller-${n}` as PeerId
    return {
      seller,
      version: 1,
      role: 'household',
      sourceType: 'SOLAR',
      currency: 'USD',
      validUntilMs: SLOTS * SLOT_MS,
      offers: Array.from({ length: SLOTS }, (__, at) => ({
        offerId: `${seller}-${at}`,
        slot: numberedSlot(at, SLOT_MS),
        priceMicro: 100_000 + Math.floor(random() * 100_000),
        availableWh: 1 + Math.floor(random() * 5_000),
      })),
    }
  })
}

/** Each slot in its turn. */
function filters(): () => OfferFilter {
  let next = 0
  return () => ({ slot: numberedSlot(next++ % SLOTS, SLOT_MS) })
}

function inOneArray(catalogs: readonly Catalog[]): Listing[] {
  return catalogs.flatMap(one => one.offers.map(offer => ({ catalog: one, offer })))
}

function filtered(listings: readonly Listing[], filter: OfferFilter): Listing[] {
  return listings.filter(listing => matches(listing, filter))
}

function requireEqual(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`a slot has ${found} offers, ${wanted} were put in`)
}

function timesOf(times: number, work: (n: number) => unknown): number {
  for (let n = 0; n < times; n++) work(n)
  return times
}

/** What one of these keeps of the heap, MB. */
function memoryMb(make: () => unknown): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  const kept = Array.from({ length: COPIES }, make)
  collect()
  const grown = process.memoryUsage().heapUsed - before
  return grown / kept.length / MB
}

import { z } from 'zod'
import type { PeerId } from '../../../kernel/ids.ts'
import { readUnits, unitsOf } from '../../../kernel/money.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import { slotKey, timestamp } from '../../../kernel/slot.ts'
import type { Catalog, Offer, Tariff } from '../trade.ts'
import { ownContext, packContext } from './context.ts'
import { customer, meterOf, roles } from './participants.ts'
import { readSeries, timeSeries } from './series.ts'

/** The official kinds of resource know no mixture: there the meter speaks, and the source stands in the descriptor. */
const RESOURCE_TYPES: Readonly<Record<Catalog['sourceType'], string>> = {
  SOLAR: 'SOLAR',
  BATTERY: 'BATTERY',
  GRID: 'FEEDER',
  HYBRID: 'METER',
  RENEWABLE: 'METER',
}

/** The id of a catalog: which seller's, and which version. */
export function catalogId({ seller, version }: Pick<Catalog, 'seller' | 'version'>): string {
  return `catalog-${seller}-${version}`
}

/**
 * `message` of catalog/publish and on_discover. Slots of one offer are consecutive. A catalog without offers withdraws
 * what was offered before.
 */
export function catalogMessage(catalog: Catalog, name: string): JsonObject {
  const resourceId = `energy-${catalog.sourceType.toLowerCase()}`
  const provider = { id: catalog.seller, descriptor: { name, code: catalog.role } }
  return {
    catalogs: [
      {
        id: catalogId(catalog),
        ...(catalog.offers.length === 0 ? { isActive: false } : {}),
        descriptor: { name: `Energy of ${name}`, code: `v${catalog.version}` },
        provider: {
          ...provider,
          ...(catalog.tariff === undefined
            ? {}
            : { providerAttributes: tariffObject(catalog.tariff, catalog.currency) }),
        },
        validity: { startDate: timestamp(catalog.version), endDate: timestamp(catalog.validUntilMs) },
        resources: [
          {
            id: resourceId,
            descriptor: { name: `${catalog.sourceType.toLowerCase()} energy`, code: catalog.sourceType },
            resourceAttributes: {
              '@context': packContext('EnergyResource/v2.0'),
              '@type': 'EnergyResource',
              type: RESOURCE_TYPES[catalog.sourceType],
              id: meterOf(catalog.seller),
            },
          },
        ],
        offers: offerGroups(catalog.offers).map(([first, ...more]) => ({
          id: first.offerId,
          descriptor: { name: `Energy of ${name}` },
          resourceIds: [resourceId],
          provider,
          offerAttributes: {
            '@context': packContext('EnergyTradeOffer/v2.0'),
            '@type': 'EnergyTradeOffer',
            contractAttributes: roles(undefined, catalog.seller),
            participants: [customer(catalog.seller)],
            commitmentAttributes: timeSeries([first, ...more], catalog.currency),
          },
        })),
      },
    ],
  }
}

function tariffObject(tariff: Tariff, currency: string): JsonObject {
  const { retailMicro, feedInMicro, gridFeeMicro, utilityShareMicro } = tariff
  return {
    '@context': ownContext('Tariff'),
    '@type': 'Tariff',
    currency,
    retailPerKwh: unitsOf(retailMicro),
    feedInPerKwh: unitsOf(feedInMicro),
    gridFeePerKwh: unitsOf(gridFeeMicro),
    ...(utilityShareMicro === undefined ? {} : { utilitySharePerKwh: unitsOf(utilityShareMicro) }),
  }
}

function offerGroups(offers: readonly Offer[]): [Offer, ...Offer[]][] {
  return Object.values(Object.groupBy(offers, offer => offer.offerId)) as [Offer, ...Offer[]][]
}

/** Two days of quarter hours. */
export const MAX_SLOTS_OFFERED = 192

const catalogSchema = z.looseObject({
  catalogs: z
    .array(
      z.looseObject({
        descriptor: z.looseObject({ code: z.string().regex(/^v\d{1,15}$/) }),
        provider: z.looseObject({
          id: z.string(),
          descriptor: z.looseObject({ code: z.enum(['household', 'utility']) }),
          providerAttributes: z
            .looseObject({
              retailPerKwh: z.unknown().optional(),
              feedInPerKwh: z.unknown().optional(),
              gridFeePerKwh: z.unknown().optional(),
              utilitySharePerKwh: z.unknown().optional(),
            })
            .optional(),
        }),
        validity: z.looseObject({ endDate: z.iso.datetime({ offset: true }) }),
        resources: z
          .array(
            z.looseObject({
              descriptor: z.looseObject({ code: z.enum(['SOLAR', 'BATTERY', 'GRID', 'HYBRID', 'RENEWABLE']) }),
            }),
          )
          .length(1),
        offers: z
          .array(
            z.looseObject({
              id: z.string().min(1).max(128),
              offerAttributes: z.looseObject({
                commitmentAttributes: z.looseObject({
                  payloadDescriptors: z.array(z.looseObject({ currency: z.string().optional() })).max(16),
                }),
              }),
            }),
          )
          .max(16),
      }),
    )
    .length(1),
})

type CatalogBody = z.infer<typeof catalogSchema>['catalogs'][number]

/** The catalog in a message, as its seller's; a sentence when it is none. Without offers its currency is ''. */
export function readCatalog(message: unknown, seller: PeerId): Catalog | string {
  const parsed = catalogSchema.safeParse(message)
  if (!parsed.success) return `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`
  const [body] = parsed.data.catalogs
  if (body === undefined || body.provider.id !== seller) return 'the provider is not the peer that signed'
  const offers = readOffers(body)
  if (typeof offers === 'string') return offers
  const tariff = readTariff(body)
  const currency = body.offers[0]?.offerAttributes.commitmentAttributes.payloadDescriptors.find(
    d => d.currency !== undefined,
  )
  return {
    seller,
    version: Number(body.descriptor.code.slice(1)),
    role: body.provider.descriptor.code,
    sourceType: body.resources[0]?.descriptor.code ?? 'HYBRID',
    currency: currency?.currency ?? '',
    validUntilMs: Date.parse(body.validity.endDate),
    offers,
    ...(tariff === undefined ? {} : { tariff }),
  }
}

function readOffers(body: CatalogBody): Offer[] | string {
  const offers: Offer[] = []
  for (const offer of body.offers) {
    const intervals = readSeries(offer.offerAttributes.commitmentAttributes)
    if (intervals === undefined) return `offer ${offer.id}: its time series cannot be read`
    for (const { slot, priceMicro, availableWh = 0 } of intervals)
      offers.push({ offerId: offer.id, slot, priceMicro, availableWh })
  }
  const twice = offeredTwice(offers)
  if (twice !== undefined) return `offer ${twice.offerId} names a slot twice`
  return offers.length > MAX_SLOTS_OFFERED ? `more than ${MAX_SLOTS_OFFERED} slots in one catalog` : offers
}

/** An offer says of a slot one thing only: two would be bought as if they were two. */
export function offeredTwice(offers: readonly Offer[]): Offer | undefined {
  const seen = new Set<string>()
  return offers.find(({ offerId, slot }) => {
    const key = `${slotKey(slot)} ${offerId}`
    const known = seen.has(key)
    seen.add(key)
    return known
  })
}

function readTariff({ provider }: CatalogBody): Tariff | undefined {
  const said = provider.providerAttributes
  const [retailMicro, feedInMicro, gridFeeMicro] = [said?.retailPerKwh, said?.feedInPerKwh, said?.gridFeePerKwh].map(
    readUnits,
  )
  const utilityShareMicro = readUnits(said?.utilitySharePerKwh ?? 0)
  if (retailMicro === undefined || feedInMicro === undefined || gridFeeMicro === undefined) return undefined
  if (utilityShareMicro === undefined) return undefined
  return { retailMicro, feedInMicro, gridFeeMicro, ...(utilityShareMicro === 0 ? {} : { utilityShareMicro }) }
}

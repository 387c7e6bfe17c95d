import { z } from 'zod'
import type { PeerId } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/outcome.ts'
import { timestamp } from '../slot.ts'
import type { Catalog, Offer } from '../trade.ts'
import { packContext } from './context.ts'
import { customer, meterOf, roles } from './participants.ts'
import { readSeries, timeSeries } from './series.ts'

/** The official kinds of resource know no mixture: there the meter speaks, and the source stands in the descriptor. */
const RESOURCE_TYPES: Readonly<Record<Catalog['sourceType'], string>> = {
  ...{ SOLAR: 'SOLAR', BATTERY: 'BATTERY', GRID: 'FEEDER', HYBRID: 'METER', RENEWABLE: 'METER' },
}

/** `message` of catalog/publish and on_discover. Slots of one offer are consecutive. */
export function catalogMessage(catalog: Catalog, name: string): JsonObject {
  const resourceId = `energy-${catalog.sourceType.toLowerCase()}`
  const provider = { id: catalog.seller, descriptor: { name, code: catalog.role } }
  return {
    catalogs: [
      {
        id: `catalog-${catalog.seller}-${catalog.version}`,
        descriptor: { name: `Energy of ${name}`, code: `v${catalog.version}` },
        provider,
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

function offerGroups(offers: readonly Offer[]): [Offer, ...Offer[]][] {
  return Object.values(Object.groupBy(offers, offer => offer.offerId)) as [Offer, ...Offer[]][]
}

/** Two days of quarter hours. */
const MAX_SLOTS_OFFERED = 192

const catalogSchema = z.looseObject({
  catalogs: z
    .array(
      z.looseObject({
        descriptor: z.looseObject({ code: z.string().regex(/^v\d{1,15}$/) }),
        provider: z.looseObject({
          id: z.string(),
          descriptor: z.looseObject({ code: z.enum(['household', 'utility']) }),
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

/** The catalog in a message, as its seller's; a sentence when it is none. */
export function readCatalog(message: unknown, seller: PeerId): Catalog | string {
  const parsed = catalogSchema.safeParse(message)
  if (!parsed.success) return `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`
  const [body] = parsed.data.catalogs
  if (body === undefined || body.provider.id !== seller) return 'the provider is not the peer that signed'
  const offers: Offer[] = []
  for (const offer of body.offers) {
    const intervals = readSeries(offer.offerAttributes.commitmentAttributes)
    if (intervals === undefined) return `offer ${offer.id}: its time series cannot be read`
    for (const { slot, priceMicro, availableWh = 0 } of intervals)
      offers.push({ offerId: offer.id, slot, priceMicro, availableWh })
  }
  if (offers.length > MAX_SLOTS_OFFERED) return `more than ${MAX_SLOTS_OFFERED} slots in one catalog`
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
  }
}

import { z } from 'zod'
import type { PeerId } from '../../kernel/ids.ts'
import type { JsonObject } from '../../kernel/outcome.ts'
import type { Contract, Terms } from '../contract.ts'
import { costMicro, kwhOf, unitsOf, wholeOf } from '../money.ts'
import type { Slot } from '../slot.ts'
import { customer, readSignatures, roles, signature } from './participants.ts'
import { readSeries, timeSeries } from './series.ts'

/** What a contract object says at any step of the flow. */
export interface ContractBody {
  readonly contractId?: string
  readonly buyer: PeerId
  readonly seller: PeerId
  readonly offerId: string
  readonly slot: Slot
  readonly energyWh: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  readonly currency: string
  readonly availableWh?: number
  readonly status: 'DRAFT' | 'ACTIVE' | 'CANCELLED' | 'COMPLETE'
  readonly signatures?: Partial<Contract['signatures']>
  /** A seller's word: the price with its breakup. */
  readonly quoted?: boolean
}

const RESOURCE = 'energy'

export function contractMessage(body: ContractBody): JsonObject {
  const active = body.status === 'ACTIVE' || body.status === 'COMPLETE'
  return {
    contract: {
      ...(body.contractId === undefined ? {} : { id: body.contractId }),
      status: { code: body.status },
      commitments: [
        {
          id: 'commitment-1',
          status: { descriptor: { code: active ? 'ACTIVE' : 'DRAFT' } },
          resources: [
            { id: RESOURCE, quantity: { '@type': 'Quantity', unitCode: 'KWH', unitQuantity: kwhOf(body.energyWh) } },
          ],
          offer: { id: body.offerId, resourceIds: [RESOURCE] },
          commitmentAttributes: timeSeries(
            [
              {
                slot: body.slot,
                priceMicro: body.priceMicro,
                requestedWh: body.energyWh,
                ...(body.availableWh === undefined ? {} : { availableWh: body.availableWh }),
              },
            ],
            body.currency,
          ),
        },
      ],
      contractAttributes: roles(body.buyer, body.seller),
      participants: [customer(body.seller), customer(body.buyer), ...signatureParticipants(body)],
      ...(body.quoted === true ? { consideration: [quote(body)] } : {}),
      ...(active ? { settlements: [{ id: 'settlement-1', considerationId: 'quote', status: 'COMMITTED' }] } : {}),
    },
  }
}

function signatureParticipants(body: ContractBody): JsonObject[] {
  const given = body.signatures ?? {}
  return (['buyer', 'seller'] as const).flatMap(signer => {
    const value = given[signer]
    return value === undefined ? [] : [signature(body as unknown as Terms, signer, value)]
  })
}

function quote(body: ContractBody): JsonObject {
  const { currency, energyWh } = body
  const line = (title: string, micro: number): JsonObject => ({ title, value: unitsOf(micro), currency })
  const energyMicro = costMicro(energyWh, body.priceMicro)
  const gridMicro = costMicro(energyWh, body.gridFeeMicro)
  return {
    id: 'quote',
    status: { code: body.status === 'DRAFT' ? 'QUOTED' : 'AGREED' },
    considerationAttributes: {
      '@context': 'https://wattmesh.example/schema/PriceSpecification/v1/context.jsonld',
      '@type': 'PriceSpecification',
      currency,
      value: unitsOf(energyMicro + gridMicro),
      gridFeePerKwh: unitsOf(body.gridFeeMicro),
      breakup: [line('energy', energyMicro), line('grid fee', gridMicro), line('platform fee', 0)],
    },
  }
}

const contractSchema = z.looseObject({
  contract: z.looseObject({
    id: z.uuid().optional(),
    status: z.looseObject({ code: z.enum(['DRAFT', 'ACTIVE', 'CANCELLED', 'COMPLETE']) }),
    commitments: z
      .array(
        z.looseObject({ offer: z.looseObject({ id: z.string().max(128) }), commitmentAttributes: z.looseObject({}) }),
      )
      .length(1),
    participants: z.array(z.unknown()).max(16).default([]),
    contractAttributes: z.looseObject({
      roles: z.array(z.looseObject({ role: z.string(), participantId: z.string().nullable() })).max(8),
    }),
    consideration: z
      .array(
        z.looseObject({ considerationAttributes: z.looseObject({ gridFeePerKwh: z.number().optional() }).optional() }),
      )
      .max(4)
      .optional(),
  }),
})

/** What a contract object says; a sentence when it cannot be read. */
export function readContract(message: unknown): ContractBody | string {
  const parsed = contractSchema.safeParse(message)
  if (!parsed.success) return `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`
  const { contract } = parsed.data
  const [commitment] = contract.commitments
  const interval = readSeries(commitment?.commitmentAttributes)?.[0]
  if (commitment === undefined || interval?.requestedWh === undefined)
    return 'the commitment has no slot with a requested quantity'
  const party = (role: string): string | undefined =>
    contract.contractAttributes.roles.find(entry => entry.role === role)?.participantId ?? undefined
  const buyer = party('buyerPlatform')
  const seller = party('sellerPlatform')
  if (buyer === undefined || seller === undefined) return 'buyer or seller is not named'
  const terms = contract.consideration?.[0]?.considerationAttributes
  const gridFeeMicro = wholeOf(terms?.gridFeePerKwh ?? 0, 1_000_000)
  if (gridFeeMicro === undefined) return 'the grid fee is no price'
  return {
    ...(contract.id === undefined ? {} : { contractId: contract.id }),
    ...{ buyer: buyer as PeerId, seller: seller as PeerId },
    offerId: commitment.offer.id,
    slot: interval.slot,
    energyWh: interval.requestedWh,
    priceMicro: interval.priceMicro,
    gridFeeMicro,
    currency: currencyOf(commitment.commitmentAttributes),
    ...(interval.availableWh === undefined ? {} : { availableWh: interval.availableWh }),
    status: contract.status.code,
    signatures: readSignatures(contract.participants),
    quoted: contract.consideration !== undefined,
  }
}

function currencyOf(series: unknown): string {
  const descriptors = (series as { payloadDescriptors?: { currency?: unknown }[] }).payloadDescriptors ?? []
  const currency = descriptors.map(descriptor => descriptor.currency).find(value => typeof value === 'string')
  return typeof currency === 'string' ? currency : ''
}

import { z } from 'zod'
import { kwhOf } from '../../../kernel/energy.ts'
import type { PeerId } from '../../../kernel/ids.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import type { Slot } from '../../../kernel/slot.ts'
import type { Contract, Receipt } from '../../../protocol/contract.ts'
import { CURTAILMENT_REASONS, type CurtailmentReason, type Trade } from '../trade.ts'
import { type Considered, considerationSchema, considerations, readConsiderations } from './considerations.ts'
import { ownContext } from './context.ts'
import type { BecknRefusal } from './error.ts'
import { customer, hasMeter, readSignatures, roles, signature } from './participants.ts'
import { shapeBreach } from './rules/breach.ts'
import { isOfPack } from './rules/packs/packs.ts'
import { PRICE, readSeries, timeSeries } from './series.ts'

/** What a contract object says at any step of the flow. */
export interface ContractBody extends Considered {
  readonly contractId?: string
  readonly buyer: PeerId
  readonly seller: PeerId
  readonly offerId: string
  readonly slot: Slot
  readonly availableWh?: number
  readonly status: 'DRAFT' | 'ACTIVE' | 'CANCELLED' | 'COMPLETE'
  readonly signatures?: Partial<Contract['signatures']>
  readonly curtailment?: CurtailmentReason
  readonly allocations?: NonNullable<Trade['allocations']>
  readonly finalWh?: number
  /** The signatures over the receipt of what was settled. */
  readonly receipt?: Partial<Receipt['signatures']>
}

const RESOURCE = 'energy'
const COMMITMENT = { DRAFT: 'DRAFT', ACTIVE: 'ACTIVE', CANCELLED: 'DRAFT', COMPLETE: 'CLOSED' } as const

export function contractMessage(body: ContractBody): JsonObject {
  const considered = considerations(body)
  return {
    contract: {
      ...(body.contractId === undefined ? {} : { id: body.contractId }),
      status: { code: body.status },
      commitments: [
        {
          id: 'commitment-1',
          status: { descriptor: { code: COMMITMENT[body.status] } },
          resources: [
            { id: RESOURCE, quantity: { '@type': 'Quantity', unitCode: 'KWH', unitQuantity: kwhOf(body.energyWh) } },
          ],
          offer: { id: body.offerId, resourceIds: [RESOURCE] },
          commitmentAttributes: series(body),
        },
      ],
      contractAttributes: roles(body.buyer, body.seller),
      participants: [customer(body.seller), customer(body.buyer), ...signatures(body)],
      ...(considered.length === 0 ? {} : { consideration: considered }),
      ...(body.curtailment === undefined ? {} : { performance: [curtailed(body.curtailment)] }),
      ...settlements(body),
    },
  }
}

function series(body: ContractBody): JsonObject {
  const { slot, priceMicro, energyWh: requestedWh, availableWh, allocations, finalWh } = body
  const interval = {
    slot,
    priceMicro,
    requestedWh,
    ...(availableWh === undefined ? {} : { availableWh }),
    ...(allocations?.buyer === undefined ? {} : { buyerAllocation: allocations.buyer }),
    ...(allocations?.seller === undefined ? {} : { sellerAllocation: allocations.seller }),
    ...(finalWh === undefined ? {} : { finalWh }),
  }
  return timeSeries([interval], body.currency)
}

function signatures(body: ContractBody): JsonObject[] {
  const kinds = [
    ['ContractSignature', body.signatures],
    ['ReceiptSignature', body.receipt],
  ] as const
  return kinds.flatMap(([kind, given]) =>
    (['buyer', 'seller'] as const).flatMap(signer => {
      const value = given?.[signer]
      return value === undefined ? [] : [signature(kind, signer, { peer: body[signer], value })]
    }),
  )
}

function settlements({ status }: ContractBody): JsonObject {
  if (status !== 'ACTIVE' && status !== 'COMPLETE') return {}
  const [considerationId, how] = status === 'ACTIVE' ? ['quote', 'COMMITTED'] : ['settlement-flows', 'COMPLETE']
  return { settlements: [{ id: 'settlement-1', considerationId, status: how }] }
}

function curtailed(reason: CurtailmentReason): JsonObject {
  return {
    id: 'performance-1',
    status: { code: 'CURTAILED' },
    performanceAttributes: { '@context': ownContext('Curtailment'), '@type': 'Curtailment', reason },
  }
}

const contractSchema = z.looseObject({
  contract: z.looseObject({
    id: z.uuid().optional(),
    status: z.looseObject({ code: z.enum(['DRAFT', 'ACTIVE', 'CANCELLED', 'COMPLETE']) }),
    commitments: z
      .array(
        z.looseObject({
          offer: z.looseObject({ id: z.string().max(128) }),
          commitmentAttributes: z.looseObject({
            payloadDescriptors: z.array(z.looseObject({ payloadType: z.string(), currency: z.string().nullish() })),
          }),
        }),
      )
      .length(1),
    participants: z.array(z.looseObject({})).max(16),
    contractAttributes: z.looseObject({
      '@context': isOfPack('DEGContract/2.0'),
      roles: z.array(z.looseObject({ role: z.string(), participantId: z.string().nullable() })).max(8),
    }),
    consideration: z.array(considerationSchema).max(4).optional(),
    performance: z
      .array(
        z.looseObject({
          performanceAttributes: z.looseObject({ reason: z.enum(CURTAILMENT_REASONS).optional() }).optional(),
        }),
      )
      .max(4)
      .optional(),
  }),
})

/**
 * What speaks against a contract that the standard allows: it cannot be read here, it is not told in this market's
 * currency, or one of its sides does not stand in it with its meter. Of another body nothing is said.
 */
export function contractBreach(message: { readonly contract?: unknown }, currency: string): BecknRefusal | undefined {
  if (message.contract === undefined) return undefined
  const said = readContract(message)
  if (typeof said === 'string')
    return shapeBreach(contractSchema, message, ['message']) ?? { code: 'SCH_INVALID', message: said }
  if (said.currency !== currency)
    return { code: 'POL_CURRENCY', message: `expected prices in ${currency}, in which this market trades` }
  const { participants } = (message as z.infer<typeof contractSchema>).contract
  const absent = (['buyer', 'seller'] as const).find(side => !hasMeter(said[side], participants))
  if (absent === undefined) return undefined
  const path = '$.message.contract.participants'
  return { code: 'POL_PARTY_MISMATCH', message: `expected the ${absent} among the participants, with its meter`, path }
}

/** What a contract object says; a sentence when it cannot be read. */
export function readContract(message: unknown): ContractBody | string {
  const parsed = contractSchema.safeParse(message)
  if (!parsed.success) return `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`
  const { contract } = parsed.data
  const party = (role: string): string | undefined =>
    contract.contractAttributes.roles.find(entry => entry.role === role)?.participantId ?? undefined
  const buyer = party('buyerPlatform')
  const seller = party('sellerPlatform')
  if (buyer === undefined || seller === undefined) return 'buyer or seller is not named'
  const committed = readCommitment(contract)
  if (committed === undefined) return 'expected one slot with its price and a requested quantity in whole Wh'
  const considered = readConsiderations(contract.consideration ?? [])
  if (considered === undefined) return 'a price is no price'
  const curtailment = contract.performance?.find(one => one.performanceAttributes?.reason !== undefined)
  const reason = curtailment?.performanceAttributes?.reason
  const receipt = readSignatures('ReceiptSignature', contract.participants)
  return {
    ...(contract.id === undefined ? {} : { contractId: contract.id }),
    buyer: buyer as PeerId,
    seller: seller as PeerId,
    ...committed,
    ...considered,
    currency: currencyOf(contract),
    status: contract.status.code,
    signatures: readSignatures('ContractSignature', contract.participants),
    ...(Object.keys(receipt).length === 0 ? {} : { receipt }),
    ...(reason === undefined ? {} : { curtailment: reason }),
    quoted: contract.consideration !== undefined,
  }
}

type Read = z.infer<typeof contractSchema>['contract']
type Committed = Pick<
  ContractBody,
  'offerId' | 'slot' | 'energyWh' | 'priceMicro' | 'availableWh' | 'allocations' | 'finalWh'
>

/** A contract is about one slot: what stood in a second would be signed and not delivered. */
function readCommitment({ commitments: [commitment] }: Read): Committed | undefined {
  const [interval, ...more] = readSeries(commitment?.commitmentAttributes) ?? []
  if (commitment === undefined || interval?.requestedWh === undefined || more.length > 0) return undefined
  const { buyerAllocation: buyer, sellerAllocation: seller } = interval
  const allocations = { ...(buyer === undefined ? {} : { buyer }), ...(seller === undefined ? {} : { seller }) }
  return {
    offerId: commitment.offer.id,
    slot: interval.slot,
    energyWh: interval.requestedWh,
    priceMicro: interval.priceMicro,
    ...(interval.availableWh === undefined ? {} : { availableWh: interval.availableWh }),
    ...(buyer === undefined && seller === undefined ? {} : { allocations }),
    ...(interval.finalWh === undefined ? {} : { finalWh: interval.finalWh }),
  }
}

/** '' when prices are in several currencies, or in none. */
function currencyOf({ commitments: [commitment], consideration = [] }: Read): string {
  const descriptors = commitment?.commitmentAttributes.payloadDescriptors ?? []
  const prices = descriptors.filter(({ payloadType, currency }) => payloadType === PRICE || currency != null)
  const quoted = consideration.flatMap(({ considerationAttributes }) => considerationAttributes?.currency ?? [])
  const [currency = '', ...others] = new Set([...prices.map(one => one.currency ?? ''), ...quoted])
  return others.length === 0 ? currency : ''
}

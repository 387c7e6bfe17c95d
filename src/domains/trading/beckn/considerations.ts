import { z } from 'zod'
import { costMicro, readUnits, unitsOf } from '../../../kernel/money.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import { timestamp } from '../../../kernel/slot.ts'
import type { RevenueFlow, Shortfall } from '../../../protocol/contract.ts'
import { ownContext, packContext } from './context.ts'

/** What the considerations of a contract say: its price with the breakup, what was settled, what a cancellation costs. */
export interface Considered {
  readonly energyWh: number
  readonly priceMicro: number
  readonly gridFeeMicro: number
  readonly utilityShareMicro?: number
  readonly currency: string
  readonly status: string
  /** A seller's word: the price with its breakup. */
  readonly quoted?: boolean
  readonly revision?: number
  readonly shortfall?: Shortfall
  readonly flows?: readonly RevenueFlow[]
  readonly cancelTerms?: { readonly feeMicro: number; readonly untilMs: number }
}

/** The official roles of a flow; the utility stands behind the grid of both. */
const ROLES: Readonly<Record<RevenueFlow['role'], string>> = {
  buyer: 'buyerPlatform',
  seller: 'sellerPlatform',
  utility: 'utility',
}

export function considerations(body: Considered): JsonObject[] {
  return [
    ...(body.quoted === true ? [quote(body)] : []),
    ...(body.flows === undefined || body.flows.length === 0 ? [] : [revenue(body.flows, body.currency)]),
    ...(body.cancelTerms === undefined ? [] : [cancellation(body.cancelTerms, body.currency)]),
  ]
}

function quote(body: Considered): JsonObject {
  const { currency, energyWh, shortfall, utilityShareMicro } = body
  const line = (title: string, micro: number): JsonObject => ({ title, value: unitsOf(micro), currency })
  const energyMicro = costMicro(energyWh, body.priceMicro)
  const gridMicro = costMicro(energyWh, body.gridFeeMicro)
  const shareMicro = costMicro(energyWh, utilityShareMicro ?? 0)
  return {
    id: 'quote',
    status: { code: body.status === 'DRAFT' ? 'QUOTED' : 'AGREED' },
    considerationAttributes: {
      '@context': ownContext('PriceSpecification'),
      '@type': 'PriceSpecification',
      currency,
      value: unitsOf(energyMicro + gridMicro + shareMicro),
      gridFeePerKwh: unitsOf(body.gridFeeMicro),
      ...(utilityShareMicro === undefined ? {} : { utilitySharePerKwh: unitsOf(utilityShareMicro) }),
      ...(body.revision === undefined ? {} : { revision: body.revision }),
      ...(shortfall === undefined ? {} : { shortfall: shortfallObject(shortfall) }),
      breakup: [
        line('energy', energyMicro),
        line('grid fee', gridMicro),
        ...(utilityShareMicro === undefined ? [] : [line('utility share', shareMicro)]),
        line('platform fee', 0),
      ],
    },
  }
}

function shortfallObject({ utilityPriceMicro, penaltyMicro, tolerancePercent }: Shortfall): JsonObject {
  return {
    utilityPricePerKwh: unitsOf(utilityPriceMicro),
    penaltyPerKwh: unitsOf(penaltyMicro),
    tolerancePercent,
  }
}

function revenue(flows: readonly RevenueFlow[], currency: string): JsonObject {
  return {
    id: 'settlement-flows',
    status: { code: 'SETTLED' },
    considerationAttributes: {
      '@context': packContext('RevenueFlow/v2.0'),
      '@type': 'RevenueFlow',
      revenueFlows: flows.map(({ role, micro, description }) => ({
        role: ROLES[role],
        value: unitsOf(micro),
        currency,
        description,
      })),
    },
  }
}

function cancellation({ feeMicro, untilMs }: { feeMicro: number; untilMs: number }, currency: string): JsonObject {
  return {
    id: 'cancellation',
    status: { code: 'QUOTED' },
    considerationAttributes: {
      '@context': ownContext('CancellationTerms'),
      '@type': 'CancellationTerms',
      currency,
      value: unitsOf(feeMicro),
      cancellableUntil: timestamp(untilMs),
    },
  }
}

const decimal = z.number()
export const considerationSchema = z.looseObject({
  considerationAttributes: z
    .looseObject({
      '@type': z.string().optional(),
      currency: z.string().optional(),
      gridFeePerKwh: decimal.optional(),
      utilitySharePerKwh: decimal.optional(),
      revision: z.int().min(1).max(1_000_000).optional(),
      shortfall: z
        .looseObject({
          utilityPricePerKwh: decimal,
          penaltyPerKwh: decimal,
          tolerancePercent: z.number().min(0).max(100),
        })
        .optional(),
      value: decimal.optional(),
      cancellableUntil: z.iso.datetime({ offset: true }).optional(),
    })
    .optional(),
})

type Attributes = NonNullable<z.infer<typeof considerationSchema>['considerationAttributes']>
type Said = Pick<Considered, 'gridFeeMicro' | 'utilityShareMicro' | 'revision' | 'shortfall' | 'cancelTerms'>

/** What was said of prices; undefined when a number in it is no whole millionth. */
export function readConsiderations(given: readonly z.infer<typeof considerationSchema>[]): Said | undefined {
  const attributes = given.map(one => one.considerationAttributes).filter(one => one !== undefined)
  const price = attributes.find(one => one.gridFeePerKwh !== undefined)
  const gridFeeMicro = readUnits(price?.gridFeePerKwh ?? 0)
  const utilityShareMicro = readUnits(price?.utilitySharePerKwh ?? 0)
  const shortfall = price?.shortfall === undefined ? undefined : readShortfall(price.shortfall)
  const cancelTerms = readCancellation(attributes.find(one => one['@type'] === 'CancellationTerms'))
  if (gridFeeMicro === undefined || utilityShareMicro === undefined || shortfall === null) return undefined
  return {
    gridFeeMicro,
    ...(utilityShareMicro === 0 ? {} : { utilityShareMicro }),
    ...(price?.revision === undefined ? {} : { revision: price.revision }),
    ...(shortfall === undefined ? {} : { shortfall }),
    ...(cancelTerms === undefined ? {} : { cancelTerms }),
  }
}

/** null: no whole millionths. */
function readShortfall(said: NonNullable<Attributes['shortfall']>): Shortfall | null {
  const utilityPriceMicro = readUnits(said.utilityPricePerKwh)
  const penaltyMicro = readUnits(said.penaltyPerKwh)
  if (utilityPriceMicro === undefined || penaltyMicro === undefined) return null
  return { utilityPriceMicro, penaltyMicro, tolerancePercent: said.tolerancePercent }
}

function readCancellation(said: Attributes | undefined): Considered['cancelTerms'] {
  const feeMicro = readUnits(said?.value)
  if (feeMicro === undefined || said?.cancellableUntil === undefined) return undefined
  return { feeMicro, untilMs: Date.parse(said.cancellableUntil) }
}

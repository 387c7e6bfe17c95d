import { z } from 'zod'
import { instant, text, uri } from '../core/formats.ts'

/** The packs of trade between peers: who they are, on what terms, who pays. */

const bag = <Type extends string>(type: Type) => ({ '@context': uri, '@type': z.literal(type) })

export const energyCustomer = z.strictObject({
  ...bag('EnergyCustomer'),
  meterId: text.min(1),
  sanctionedLoad: z.number().min(0).optional(),
  utilityCustomerId: text.optional(),
  utilityId: text.optional(),
  platformUrl: uri.optional(),
})

export type EnergyCustomer = z.infer<typeof energyCustomer>

/** The utility of a side and the ledger it keeps. */
export const ledgerProvider = z.strictObject({
  ...bag('DiscomLedgerProvider'),
  discomId: text,
  discomUri: uri,
  ledgerId: text,
  ledgerUri: uri,
})

/** Money that reaches a role; less than nothing when the role pays. */
const revenueFlows = z.array(
  z.strictObject({
    role: text,
    value: z.number(),
    currency: text.length(3, 'a currency of three letters'),
    description: text.optional(),
  }),
)

export const revenueFlow = z.strictObject({ ...bag('RevenueFlow'), revenueFlows: revenueFlows.min(1) })

export const degContract = z.strictObject({
  ...bag('DEGContract'),
  /** A role that nobody has taken yet has no participant. */
  roles: z.array(z.strictObject({ role: text, participantId: text.nullable() })),
  policy: z.strictObject({ url: uri, queryPath: text }),
  revenueFlows: revenueFlows.optional(),
})

export type DegContract = z.infer<typeof degContract>

export const energyTradeOffer = z.strictObject({
  ...bag('EnergyTradeOffer'),
  /** In the words of schema.org, of which the pack asks nothing. */
  validityWindow: z.looseObject({}).optional(),
  contractAttributes: z.looseObject({ '@context': uri, '@type': text }).optional(),
  participants: z
    .array(
      z.looseObject({
        id: text,
        descriptor: z.looseObject({}).optional(),
        participantAttributes: z.looseObject({}).optional(),
      }),
    )
    .optional(),
  commitmentAttributes: z.looseObject({ '@context': uri, '@type': z.literal('TimeSeries') }).optional(),
})

const money = z.looseObject({ currency: text.optional(), value: z.number().optional() })

/** Where money goes when an event has come. */
export const settlementTerm = z.looseObject({
  ...bag('SettlementTerm'),
  amount: money.optional(),
  payTo: z.looseObject({}).optional(),
  acceptedPaymentMethods: z.array(text).optional(),
  paymentTrigger: text.optional(),
  settlementStatus: z.enum(['PENDING', 'COMPLETE']).optional(),
})

export const paymentAction = z.looseObject({
  ...bag('PaymentAction'),
  amount: money.optional(),
  paymentStatus: z.enum([
    'INITIATED',
    'PENDING',
    'AUTHORIZED',
    'CAPTURED',
    'COMPLETED',
    'FAILED',
    'CANCELLED',
    'REFUNDED',
    'SETTLED',
    'PARTIALLY_REFUNDED',
    'CHARGEBACK',
    'DISPUTED',
    'EXPIRED',
    'REVERSED',
    'VOIDED',
    'ON_HOLD',
    'ADJUSTED',
  ]),
  paymentMethod: z.looseObject({ method: text.optional() }).optional(),
  paymentUrl: uri.optional(),
  txnRef: text.optional(),
  paidAt: instant.optional(),
})

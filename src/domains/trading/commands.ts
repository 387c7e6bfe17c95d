import { z } from 'zod'
import { commands, type Shape, schemaOf } from '../../daemon/command.ts'
import {
  byId,
  energyWh,
  marketTimeMs,
  messageId,
  micro,
  microPerKwh,
  nothing,
  page,
  peerId,
  slot,
  timeMs,
  transactionId,
  transactionNamed,
} from '../../daemon/words.ts'
import type { Allocation, Contract, Receipt, Settlement, Terms } from '../../protocol/contract.ts'
import type { Cost } from './buying/choose.ts'
import {
  type Catalog,
  type Need,
  type Offer,
  type Progress,
  type Proposal,
  type RankedOffer,
  CURTAILMENT_REASONS as REASONS,
  type Tariff,
  type Trade,
} from './trade.ts'

const side = z.enum(['buyer', 'seller'])
const curtailment = z.enum(REASONS)
const signature = z.string().describe('Ed25519, base64url.')
const bothSignatures = z.object({ buyer: signature, seller: signature })
const utilityShareMicro = microPerKwh
  .exactOptional()
  .describe('What the utility takes of each kWh, in millionths; missing where it takes nothing.')

const terms = schemaOf<Terms>()(
  z.object({
    contractId: z.string(),
    transactionId,
    buyer: peerId,
    seller: peerId,
    offerId: z.string(),
    slot,
    energyWh,
    priceMicro: microPerKwh,
    gridFeeMicro: microPerKwh,
    utilityShareMicro,
    currency: z.string(),
    revision: z.int().describe('1 when it is made, one more with each change both have signed.'),
    shortfall: z
      .object({
        utilityPriceMicro: microPerKwh.describe('What a kWh of the utility costs, in millionths.'),
        penaltyMicro: microPerKwh.describe('On top of that, a kWh beyond the tolerance, in millionths.'),
        tolerancePercent: z.number().describe('How much of the energy may be missing before the penalty counts.'),
      })
      .describe('What energy that was sold and did not come costs its seller.'),
  }),
).meta({ id: 'Terms', description: 'What two peers agree on: what both sign.' })

const contract = schemaOf<Contract>()(z.object({ terms, signatures: bothSignatures })).meta({ id: 'Contract' })

const proposal = schemaOf<Proposal>()(
  z.object({ terms, by: side, signature, reason: curtailment.exactOptional() }),
).meta({ id: 'Proposal', description: 'Other terms that one side has signed and the other has not.' })

const quality = z.enum(['OK', 'ESTIMATED']).describe('Measured, or put in the place of what never came.')
const allocation = schemaOf<Allocation>()(z.object({ energyWh, quality })).meta({
  id: 'Allocation',
  description: 'How much of a trade’s energy a meter vouches for.',
})

const settlement = schemaOf<Settlement>()(
  z.object({
    contractId: z.string(),
    slot,
    seller: allocation,
    buyer: allocation,
    finalWh: energyWh.describe('What changed hands, Wh.'),
    shortfallWh: energyWh.describe('What the buyer took beyond what the seller delivered, Wh.'),
    quality,
    flows: z
      .array(z.object({ role: z.enum(['buyer', 'seller', 'utility']), micro, description: z.string() }))
      .describe('What each role receives (above zero) or pays (below).'),
  }),
).meta({ id: 'Settlement', description: 'How a contract ended, and who owes whom.' })

const receipt = schemaOf<Receipt>()(
  z.object({
    body: z.object({
      contractHash: z.string(),
      slot,
      buyer: peerId,
      seller: peerId,
      settledWh: energyWh,
      quality,
    }),
    signatures: bothSignatures,
  }),
)

const progress = schemaOf<Progress>()(
  z.object({
    phase: z.enum(['before', 'running', 'delivered', 'settled']),
    meteredWh: energyWh.exactOptional().describe('What the seller’s meter vouches for, Wh.'),
    atMs: timeMs,
  }),
).meta({ id: 'Progress', description: 'Where a delivery stands, as its seller said.' })

const question = z.enum(['update', 'settle', 'cancel', 'terms', 'track', 'rate', 'support'])
const asked = z.object({ id: messageId, digest: z.string() })

const cancelTerms = z
  .object({ feeMicro: micro, untilMs: marketTimeMs })
  .meta({ id: 'CancelTerms', description: 'What a cancellation costs, and until when in market time it is possible.' })

const trade = schemaOf<Trade>()(
  z.object({
    transactionId,
    role: side.describe('Of this peer.'),
    counterparty: peerId,
    offerId: z.string(),
    slot,
    energyWh,
    priceMicro: microPerKwh,
    gridFeeMicro: microPerKwh,
    utilityShareMicro,
    state: z.enum([
      'selecting',
      'quoted',
      'reserved',
      'confirming',
      'active',
      'settled',
      'cancelled',
      'expired',
      'refused',
    ]),
    deadlineMs: timeMs.describe('After this a step that did not come ends the trade.'),
    startedMs: timeMs,
    awaiting: asked.exactOptional().describe('The step whose callback moves the trade on.'),
    asking: z.partialRecord(question, asked).exactOptional().describe('What else was asked and is not answered.'),
    refusals: z.partialRecord(question, z.string()).exactOptional().describe('What was asked in vain, and why.'),
    needId: z.string().exactOptional().describe('The need it serves.'),
    terms: terms.exactOptional(),
    contract: contract.exactOptional(),
    confirmedWith: signature.exactOptional().describe('The buyer’s signature in its confirm.'),
    proposal: proposal.exactOptional(),
    curtailment: curtailment.exactOptional().describe('Why the contract is about less than was sold first.'),
    allocations: z.object({ buyer: allocation.exactOptional(), seller: allocation.exactOptional() }).exactOptional(),
    settling: z
      .object({ attempts: z.int(), nextMs: timeMs, reason: z.string() })
      .exactOptional()
      .describe('The slot is over and the trade is not settled.'),
    settlement: settlement.exactOptional(),
    receipt: receipt.exactOptional(),
    cancelTerms: cancelTerms.exactOptional(),
    progress: progress.exactOptional(),
    rating: z.object({ stars: z.int(), words: z.string().exactOptional() }).exactOptional(),
    support: z.object({ name: z.string(), peer: peerId }).exactOptional().describe('Whom to turn to.'),
    reason: z.string().exactOptional().describe('Why it ended as it did.'),
  }),
).meta({ id: 'Trade', description: 'One trade as this side sees it.' })

const signedTrade = trade
  .extend({
    signaturesGood: z
      .object({ buyer: z.boolean(), seller: z.boolean() })
      .exactOptional()
      .describe('Whether the signatures under its contract are those of its parties.'),
  })
  .meta({ id: 'SignedTrade', description: 'A trade, with the verdict on the signatures under its contract.' })

const rankedOffer = schemaOf<RankedOffer>()(
  z.object({
    seller: peerId,
    role: z.enum(['household', 'utility']),
    offerId: z.string(),
    availableWh: energyWh,
    priceMicro: microPerKwh,
    gridFeeMicro: microPerKwh,
    utilityShareMicro,
    landedMicro: microPerKwh.describe('Price and fees together, millionths a kWh.'),
  }),
).meta({ id: 'RankedOffer' })

const need = schemaOf<Need>()(
  z.object({
    id: z.string(),
    slot,
    energyWh,
    boughtWh: energyWh.describe('Of that, what agreed contracts cover, Wh.'),
    maxPriceMicro: microPerKwh.describe('At most, fees included, millionths a kWh.'),
    state: z.enum(['searching', 'trading', 'bought', 'part', 'failed']),
    answered: z.array(peerId).describe('Sellers that answered the search.'),
    searchUntilMs: timeMs,
    searchedMs: timeMs.exactOptional(),
    ranked: z.array(rankedOffer).describe('Offers found, cheapest first.'),
    tried: z.int().describe('How many of them were tried.'),
    transactionId: transactionId.exactOptional().describe('The trade that serves it now, or served it last.'),
    createdMs: timeMs,
    reason: z.string().describe('Why it was wanted, and then why it ended as it did.'),
    steps: z.array(z.object({ atMs: timeMs, text: z.string() })).describe('What was decided on the way, oldest first.'),
  }),
).meta({ id: 'Need', description: 'Energy this peer wants, bought from as many sellers as it takes.' })

const offer = schemaOf<Offer>()(
  z.object({ offerId: z.string(), slot, priceMicro: microPerKwh, availableWh: energyWh }),
).meta({ id: 'Offer', description: 'One offer of one seller for one slot.' })

const tariff = schemaOf<Tariff>()(
  z.object({
    retailMicro: microPerKwh,
    feedInMicro: microPerKwh,
    gridFeeMicro: microPerKwh.describe('Between zones, millionths a kWh.'),
    utilityShareMicro,
  }),
).meta({ id: 'Tariff', description: 'What a utility takes and gives.' })

const catalog = schemaOf<Catalog>()(
  z.object({
    seller: peerId,
    version: z.int(),
    role: z.enum(['household', 'utility']),
    sourceType: z.enum(['SOLAR', 'BATTERY', 'GRID', 'HYBRID', 'RENEWABLE']),
    currency: z.string(),
    validUntilMs: timeMs,
    offers: z.array(offer),
    tariff: tariff.exactOptional(),
    announcedMs: timeMs.exactOptional().describe('When this peer published it last, of its own catalog only.'),
  }),
).meta({ id: 'Catalog', description: 'What a seller has, slot by slot.' })

const offerHere = schemaOf<Offer & Cost>()(
  offer.extend({
    gridFeeMicro: microPerKwh,
    utilityShareMicro,
    landedMicro: microPerKwh.describe('Price and fees together, millionths a kWh.'),
  }),
).meta({ id: 'OfferHere', description: 'An offer, with what a kWh of it costs here.' })

const catalogHere = catalog
  .extend({ offers: z.array(offerHere) })
  .meta({ id: 'CatalogHere', description: 'What a seller has, with what it costs here.' })

const quantity = z.int('whole watt hours').min(1).max(1_000_000_000).describe('Watt-hours.')
const priceGiven = z.int('whole millionths').min(0).optional().describe('Millionths of the currency a kWh.')
const slotGiven = z
  .int('whole milliseconds')
  .min(0)
  .optional()
  .describe('The slot that begins then, Unix milliseconds of market time; left out, the next.')

/** Energy for the next slot, or a later one: offered, wanted, agreed. */
const market = commands({
  catalogs: {
    route: 'GET /v1/catalogs',
    scope: 'read',
    says: 'What can be bought still, with what it costs here.',
    input: nothing,
    output: z.array(catalogHere),
  },
  needs: {
    route: 'GET /v1/needs',
    scope: 'read',
    says: 'What this peer wanted to buy, newest first.',
    input: page,
    output: z.array(need),
  },
  need: {
    route: 'GET /v1/needs/:id',
    scope: 'read',
    says: 'One need.',
    input: byId,
    output: need,
  },
  needTrades: {
    route: 'GET /v1/needs/:id/trades',
    scope: 'read',
    says: 'The trades that serve a need.',
    input: byId,
    output: z.array(trade),
  },
  buy: {
    route: 'POST /v1/buy',
    scope: 'trade',
    says: 'Wants energy for a slot, and begins to search for the cheapest sellers.',
    input: z.strictObject({ energyWh: quantity, maxPriceMicro: priceGiven, slotStartMs: slotGiven }),
    output: need,
  },
  sell: {
    route: 'POST /v1/sell',
    scope: 'trade',
    says: 'Offers energy for a slot, or as much again for each of so many in a row.',
    input: z.strictObject({
      energyWh: quantity,
      priceMicro: priceGiven,
      slotStartMs: slotGiven,
      // Of the 16 offers a catalog has, some are left to what the household offers by itself.
      slots: z.int().min(1).max(12, 'at most 12 in a row').optional(),
    }),
    output: catalog,
  },
  withdraw: {
    route: 'POST /v1/withdraw',
    scope: 'trade',
    says: 'Takes back everything this peer offers; agreed trades stay agreed.',
    input: nothing,
    output: nothing,
  },
  open: {
    route: 'POST /v1/market/open',
    scope: 'control',
    says: 'Begins to buy and sell by itself, each market slot.',
    input: nothing,
    output: nothing,
  },
  close: {
    route: 'POST /v1/market/close',
    scope: 'control',
    says: 'Decides about no further slot; what is agreed is delivered and settled.',
    input: nothing,
    output: nothing,
  },
})

const tradeById = z.object({ id: transactionNamed })

/** Trades, and what may be done about one that is made. */
const trades = commands({
  trades: {
    route: 'GET /v1/trades',
    scope: 'read',
    says: 'Trades of this peer, newest first.',
    input: page,
    output: z.array(trade),
  },
  trade: {
    route: 'GET /v1/trades/:id',
    scope: 'read',
    says: 'One trade, and whether the signatures under its contract are good.',
    input: tradeById,
    output: signedTrade,
  },
  cancel: {
    route: 'POST /v1/trades/:id/cancel',
    scope: 'trade',
    says: 'Cancels a trade, or only asks what that would cost.',
    input: z.strictObject({
      id: transactionNamed,
      try: z.boolean().optional().describe('Only say what it would cost; nothing changes.'),
    }),
    output: z.union([cancelTerms, nothing]),
  },
  reduce: {
    route: 'POST /v1/trades/:id/reduce',
    scope: 'trade',
    says: 'Buyer: asks the seller to agree to less energy, before the slot begins.',
    input: z.strictObject({ id: transactionNamed, energyWh: quantity }),
    output: nothing,
  },
  curtail: {
    route: 'POST /v1/trades/:id/curtail',
    scope: 'trade',
    says: 'Seller: delivers less than was sold, before the slot begins.',
    input: z.strictObject({
      id: transactionNamed,
      energyWh: z.int().min(0).max(1_000_000_000).describe('What is delivered still, Wh.'),
      reason: curtailment,
    }),
    output: nothing,
  },
  rate: {
    route: 'POST /v1/trades/:id/rate',
    scope: 'trade',
    says: 'Buyer: rates a settled trade.',
    input: z.strictObject({
      id: transactionNamed,
      stars: z.int().min(1).max(5),
      words: z.string().max(280).optional(),
    }),
    output: nothing,
  },
  track: {
    route: 'POST /v1/trades/:id/track',
    scope: 'trade',
    says: 'Buyer: asks the seller where the delivery stands; its answer is kept with the trade.',
    input: tradeById,
    output: nothing,
  },
  support: {
    route: 'POST /v1/trades/:id/support',
    scope: 'trade',
    says: 'Buyer: asks the seller whom to turn to; its answer is kept with the trade.',
    input: tradeById,
    output: nothing,
  },
})

export const tradingCommands = commands({ ...market, ...trades })

export type TradeAnswer = Shape<typeof trade>
export type SignedTradeAnswer = Shape<typeof signedTrade>
export type NeedAnswer = Shape<typeof need>
export type CatalogAnswer = Shape<typeof catalog>
export type CatalogHereAnswer = Shape<typeof catalogHere>
export type TradeQuestion = Shape<typeof question>
export type CurtailmentReason = Shape<typeof curtailment>
export const CURTAILMENT_REASONS = curtailment.options

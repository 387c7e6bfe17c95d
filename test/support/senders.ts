import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { AnyFact } from '../../src/daemon/commit.ts'
import type { Need, Offer, TradingFact } from '../../src/domains/trading/trade.ts'
import type { MessageId, PeerId, SubjectId } from '../../src/kernel/ids.ts'
import { type Draft, type Outcome, outcome } from '../../src/kernel/outcome.ts'
import type { UnsignedEnvelope } from '../../src/protocol/envelope.ts'
import { type Identity, identityFromSeed } from '../../src/protocol/keys.ts'
import type { MessageType } from '../../src/protocol/message-type.ts'
import { signEnvelope } from '../../src/protocol/sign.ts'
import { seedNamed } from './open-domain.ts'
import { NETWORK } from './road.ts'

export { seedNamed }
export const identityNamed = (name: string): Identity => identityFromSeed(seedNamed(name))

/** Bytes of a message somebody signed. */
export function bytesFrom(sender: Identity, fields: Partial<UnsignedEnvelope> & { to?: PeerId }, nowMs = Date.now()) {
  return signEnvelope(
    {
      v: 1,
      type: 'beckn.note',
      id: randomUUID() as MessageId,
      task_id: 'task' as SubjectId,
      network: NETWORK,
      sender_id: sender.peerId,
      created: nowMs,
      expires: nowMs + 60_000,
      payload: {},
      ...fields,
    },
    sender,
  )
}

/** A kept type of message; what its handler does is up to the test. */
export function noteType(
  handle: MessageType<AnyFact>['handle'],
  more: Partial<MessageType<AnyFact>> = {},
): ReadonlyMap<string, MessageType<AnyFact>> {
  const type: MessageType<AnyFact> = {
    payload: z.looseObject({ n: z.number().optional() }),
    carriers: ['orders', 'stream'],
    stream: 'orders',
    sealed: false,
    kept: true,
    handle,
    ...more,
  }
  return new Map([['beckn.note', type]])
}

export function noteDraft(to: PeerId | undefined, more: Partial<Draft> = {}): Draft {
  const draft = {
    type: 'beckn.note',
    subjectId: 'task' as SubjectId,
    payload: {},
    carrier: 'stream',
    ttlMs: 60_000,
  } as const
  return { ...draft, ...(to === undefined ? {} : { to }), ...more }
}

/** A fact that is easy to count. */
export function needFact(id: string, more: Partial<Need> = {}): TradingFact {
  const need: Need = {
    id,
    slot: { startMs: 0, durationMs: 1 },
    energyWh: 1,
    maxPriceMicro: 1,
    state: 'failed',
    answered: [],
    searchUntilMs: 0,
    ranked: [],
    tried: 0,
    createdMs: 0,
    reason: '',
    boughtWh: 0,
    steps: [],
    ...more,
  }
  return { kind: 'trading.need', need }
}

export const keeps = (id: string): Outcome<TradingFact> => outcome([needFact(id)])

/** A catalog with one offer, as its seller has announced it. */
export function catalogFact(catalog: {
  readonly seller: PeerId
  readonly validUntilMs: number
  readonly offer: Pick<Offer, 'slot' | 'availableWh'>
}): Extract<TradingFact, { kind: 'trading.catalog' }> {
  const { seller, validUntilMs, offer } = catalog
  return {
    kind: 'trading.catalog',
    catalog: {
      seller,
      version: 1,
      role: 'household',
      sourceType: 'SOLAR',
      currency: 'USD',
      validUntilMs,
      offers: [{ offerId: 'noon', priceMicro: 100_000, ...offer }],
    },
  }
}

/** A search that is over as soon as it begins: the seller is known, and counts as heard. */
export function wantedFact(seller: PeerId, wanted: Pick<Need, 'slot' | 'energyWh'>): TradingFact {
  return needFact(randomUUID(), { ...wanted, maxPriceMicro: 1_000_000, state: 'searching', answered: [seller] })
}

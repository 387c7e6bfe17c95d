import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Need } from '../../src/domains/trading/trade.ts'
import type { MessageId, PeerId, TaskId } from '../../src/kernel/ids.ts'
import { type Draft, type Outcome, outcome } from '../../src/kernel/outcome.ts'
import type { UnsignedEnvelope } from '../../src/protocol/envelope.ts'
import { type Identity, identityFromSeed } from '../../src/protocol/keys.ts'
import type { MessageType } from '../../src/protocol/message-type.ts'
import { signEnvelope } from '../../src/protocol/sign.ts'
import type { Fact } from '../../src/storage/facts.ts'
import { NETWORK } from './road.ts'

export const seedNamed = (name: string): Buffer => createHash('sha256').update(name).digest()
export const identityNamed = (name: string): Identity => identityFromSeed(seedNamed(name))

/** Bytes of a message somebody signed. */
export function bytesFrom(sender: Identity, fields: Partial<UnsignedEnvelope> & { to?: PeerId }, nowMs = Date.now()) {
  return signEnvelope(
    {
      v: 1,
      type: 'beckn.note',
      id: randomUUID() as MessageId,
      task_id: 'task' as TaskId,
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
  handle: MessageType<Fact>['handle'],
  more: Partial<MessageType<Fact>> = {},
): ReadonlyMap<string, MessageType<Fact>> {
  const type: MessageType<Fact> = {
    payload: z.looseObject({ n: z.number().optional() }),
    carriers: ['orders', 'stream'],
    sealed: false,
    kept: true,
    handle,
    ...more,
  }
  return new Map([['beckn.note', type]])
}

export function noteDraft(to: PeerId | undefined, more: Partial<Draft> = {}): Draft {
  const draft = { type: 'beckn.note', taskId: 'task' as TaskId, payload: {}, carrier: 'stream', ttlMs: 60_000 } as const
  return { ...draft, ...(to === undefined ? {} : { to }), ...more }
}

/** A fact that is easy to count. */
export function needFact(id: string): Fact {
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
  }
  return { kind: 'need', need }
}

export const keeps = (id: string): Outcome<Fact> => outcome([needFact(id)])

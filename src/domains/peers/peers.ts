import { z } from 'zod'
import type { PeerId, TaskId } from '../../kernel/ids.ts'
import { type Draft, type JsonObject, type Outcome, outcome } from '../../kernel/outcome.ts'
import type { MessageType } from '../../protocol/message-type.ts'

/**
 * What a peer says of itself, signed and for a time; who it is and what it can do, never how much it uses. What may be
 * absent, former versions do not say.
 */
export interface Advert {
  readonly name: string
  readonly roles: readonly ('household' | 'utility' | 'compute' | 'bootstrap')[]
  readonly zone: string
  readonly version: string
  /** Task kinds it works on, as `name@version`. */
  readonly kinds: readonly string[]
  /** Tasks it takes at a time. */
  readonly slots: number
  /** Fingerprints of the models it has; none: it has opened none yet, and may have some. */
  readonly models?: readonly string[]
  /** How much it takes on now, as coarse as that: never watts, hours or who is at home. */
  readonly availability?: Availability
  /** From 0, free, to 9, dearest. */
  readonly priceClass?: number
}

export type Availability = 'open' | 'limited' | 'closed'

export interface KnownPeer extends Advert {
  readonly peer: PeerId
  /** When it said so, Unix milliseconds. */
  readonly saidMs: number
  readonly expiresMs: number
}

export type PeerFact = { readonly kind: 'peer'; readonly peer: KnownPeer }

const word = z.string().max(64)
const advertSchema = z.strictObject({
  name: word,
  roles: z.array(z.enum(['household', 'utility', 'compute', 'bootstrap'])).max(4),
  zone: word,
  version: word,
  kinds: z.array(word).max(64),
  slots: z.int().min(0).max(1024),
  models: z.array(word).max(16).optional(),
  availability: z.enum(['open', 'limited', 'closed']).optional(),
  priceClass: z.int().min(0).max(9).optional(),
})

/** An advert is repeated at half of this. */
export const ADVERT_TTL_MS = 5 * 60_000
const MAX_KNOWN = 2_000

export interface PeersDeps {
  readonly self: PeerId
  advert(): Advert
  readonly now: () => number
  readonly store: { peer(id: PeerId): KnownPeer | undefined; peerCount(): number }
}

export interface Peers {
  readonly messages: ReadonlyMap<string, MessageType<PeerFact>>
  /** This peer's advert, to everybody, or straight to one that just connected. */
  advertDraft(to?: PeerId): Draft
}

export const ADVERT = 'peer.advert'

export function createPeers({ self, advert, now, store }: PeersDeps): Peers {
  function heard(sender: PeerId, said: Advert, saidMs: number, expiresMs: number): Outcome<PeerFact> {
    const known = store.peer(sender)
    const stale = known !== undefined && known.saidMs >= saidMs
    // Strangers choose their ids: a flood of new ones fills the book and no more.
    if (sender === self || stale || (known === undefined && store.peerCount() >= MAX_KNOWN)) return outcome()
    return outcome([{ kind: 'peer', peer: { ...said, peer: sender, saidMs, expiresMs } }])
  }

  return {
    messages: new Map([
      [
        ADVERT,
        {
          payload: advertSchema as z.ZodType,
          carriers: ['adverts', 'stream'],
          sealed: false,
          kept: false,
          handle: ({ sender_id, created, expires }, payload) =>
            heard(sender_id, payload as unknown as Advert, created, Math.max(now(), expires)),
        },
      ],
    ]),
    advertDraft: to => ({
      type: ADVERT,
      taskId: self as string as TaskId,
      payload: advert() as unknown as JsonObject,
      carrier: to === undefined ? 'adverts' : 'stream',
      ttlMs: ADVERT_TTL_MS,
      ...(to === undefined ? {} : { to }),
    }),
  }
}

import { z } from 'zod'
import type { Row } from '../../daemon/domain.ts'
import type { PeerId, SubjectId } from '../../kernel/ids.ts'
import { type Draft, type JsonObject, type Outcome, outcome } from '../../kernel/outcome.ts'

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
  /** What else its domains say of it, by their names. */
  readonly sections?: JsonObject
}

export type Availability = 'open' | 'limited' | 'closed'

export interface KnownPeer extends Advert {
  readonly peer: PeerId
  /** When it said so, Unix milliseconds. */
  readonly saidMs: number
  readonly expiresMs: number
}

export type PeerFact = { readonly kind: 'peers.peer'; readonly peer: KnownPeer }

const word = z.string().max(64)
const known = z.object({
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
const MAX_SECTIONS = 16
/** Of all sections that are not known here, as JSON; thousands of peers are remembered. */
const MAX_SECTIONS_BYTES = 2_048

/** Fields that are not known here are sections of domains this peer may not have. */
const advertSchema = known.catchall(z.json()).refine(advert => {
  const sections = Object.entries(advert).filter(([key]) => !(key in known.shape))
  return sections.length <= MAX_SECTIONS && JSON.stringify(sections).length <= MAX_SECTIONS_BYTES
}, 'too much that is not known here')

/** What is known here by its names, and the rest as sections. */
function read(payload: JsonObject): Advert {
  const sections = Object.fromEntries(Object.entries(payload).filter(([key]) => !(key in known.shape)))
  const advert = known.parse(payload) as Advert
  return Object.keys(sections).length === 0 ? advert : { ...advert, sections }
}

/** An advert is repeated at half of this. */
export const ADVERT_TTL_MS = 5 * 60_000
const MAX_KNOWN = 2_000

export interface AdvertsDeps {
  readonly self: PeerId
  /** What all domains say of this peer. */
  advert(): JsonObject
  readonly now: () => number
  readonly store: { peer(id: PeerId): KnownPeer | undefined; peerCount(): number }
}

export interface Adverts {
  readonly messages: ReadonlyMap<string, Row<PeerFact>>
  /** This peer's advert, to everybody, or straight to one that just connected. */
  advertDraft(to?: PeerId): Draft
}

export const ADVERT = 'peer.advert'

export function createAdverts({ self, advert, now, store }: AdvertsDeps): Adverts {
  function heard(sender: PeerId, said: Advert, saidMs: number, expiresMs: number): Outcome<PeerFact> {
    const known = store.peer(sender)
    const stale = known !== undefined && known.saidMs >= saidMs
    // Strangers choose their ids: a flood of new ones fills the book and no more.
    if (sender === self || stale || (known === undefined && store.peerCount() >= MAX_KNOWN)) return outcome()
    return outcome([{ kind: 'peers.peer', peer: { ...said, peer: sender, saidMs, expiresMs } }])
  }

  return {
    messages: new Map([
      [
        ADVERT,
        {
          payload: advertSchema,
          carriers: ['adverts', 'stream'],
          stream: 'peers',
          sealed: false,
          kept: false,
          handle: ({ sender_id, created, expires }, payload) =>
            heard(sender_id, read(payload), created, Math.max(now(), expires)),
        },
      ],
    ]),
    advertDraft: to => ({
      type: ADVERT,
      subjectId: self as string as SubjectId,
      payload: advert(),
      carrier: to === undefined ? 'adverts' : 'stream',
      ttlMs: ADVERT_TTL_MS,
      ...(to === undefined ? {} : { to }),
    }),
  }
}

import type { PeerId } from '../../kernel/ids.ts'
import type { Section } from './search/sections.ts'

export type KnowledgeCode =
  | 'KNOWLEDGE_BUSY'
  | 'KNOWLEDGE_CANCELLED'
  | 'KNOWLEDGE_COLLECTION_UNKNOWN'
  | 'KNOWLEDGE_EMPTY_QUESTION'
  | 'KNOWLEDGE_INGEST_UNKNOWN'
  | 'KNOWLEDGE_MODEL_CHANGED'
  | 'KNOWLEDGE_PATH_MISSING'
  | 'KNOWLEDGE_QUEUE_FULL'
  | 'KNOWLEDGE_TOO_MANY'

/** Who may read passages of a collection: nobody else, the peers listed, or everybody. */
export type Access =
  | { readonly to: 'nobody' }
  | { readonly to: 'peers'; readonly peers: readonly PeerId[] }
  | { readonly to: 'everybody' }

export const PRIVATE: Access = { to: 'nobody' }

export const MAX_COLLECTIONS = 256
/** Peers on one access list. */
export const MAX_READERS = 1_000

/** A name that a person can type and that steers no terminal. */
export const COLLECTION_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u

export interface AccessList {
  readonly name: string
  readonly access: Access
}

export interface Collection extends AccessList {
  /** Of the model that made its vectors: one index never mixes two. undefined while there are none. */
  readonly fingerprint: string | undefined
  readonly documents: number
  readonly passages: number
  /** Of the files. */
  readonly bytes: number
}

/** One file of a collection. */
export interface KnownDocument {
  readonly id: string
  readonly collection: string
  /** Absolute, here. */
  readonly path: string
  /** What peers see instead of the path: the file's place within what was ingested. */
  readonly name: string
  readonly title: string
  /** SHA-256, hex, of the file. */
  readonly hash: string
  readonly bytes: number
  /** When the file was changed last, Unix milliseconds. */
  readonly modifiedMs: number
  /** When reading it began, Unix milliseconds. */
  readonly readMs: number
}

/**
 * A large document is written and removed a few sections at a time, so that neither holds up anything else: begun,
 * filled, and then whole at once, which is also when the one before it of the same path is dropped. What a kill leaves
 * half is swept at the next start.
 */
export type KnowledgeFact =
  | { readonly kind: 'knowledge.access'; readonly collection: string; readonly access: Access }
  | { readonly kind: 'knowledge.begun'; readonly document: KnownDocument; readonly fingerprint: string }
  | { readonly kind: 'knowledge.filled'; readonly document: string; readonly sections: readonly Section[] }
  | { readonly kind: 'knowledge.whole'; readonly document: string }
  /** Its file was looked at again and has the same content: when it was changed last, as files say, and when looked at. */
  | {
      readonly kind: 'knowledge.unchanged'
      readonly document: string
      readonly modifiedMs: number
      readonly readMs: number
    }
  | { readonly kind: 'knowledge.dropped'; readonly document: string }
  /** Takes up to `sections` of a dropped document away, and with the last the document. */
  | { readonly kind: 'knowledge.swept'; readonly document: string; readonly sections: number }
  /** Of a collection without documents. */
  | { readonly kind: 'knowledge.forgotten'; readonly collection: string }

/** As the lists say now; of a collection that is gone, nobody's. */
export function accessOf(collection: string, lists: readonly AccessList[]): Access {
  return lists.find(({ name }) => name === collection)?.access ?? PRIVATE
}

export function mayRead(access: Access, peer: PeerId): boolean {
  switch (access.to) {
    case 'nobody':
      return false
    case 'everybody':
      return true
    case 'peers':
      return access.peers.includes(peer)
  }
}

/** Identifiers look alike, so the compiler keeps them apart. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }

/** A libp2p peer id: base58btc of the multihash of an Ed25519 public key (`12D3KooW…`). */
export type PeerId = Brand<string, 'PeerId'>

/** The form of a peer id of an Ed25519 key; whether there is such a key only its bytes tell. */
export const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/

export function isPeerId(text: string): text is PeerId {
  return PEER_ID.test(text)
}

/** A UUID, made by the sender of a message, unique for ever. */
export type MessageId = Brand<string, 'MessageId'>
/**
 * What a message is about: a trade's transaction, a job, a peer, a question. Messages about one subject keep their order.
 * On the wire and in the journal it is called `task_id`.
 */
export type SubjectId = string & { readonly __subject: true }
/** A trade's, the same on both sides. */
export type TransactionId = Brand<SubjectId, 'TransactionId'>
/** A task of a job: what one worker takes. No message is about it; those of its job name it. */
export type TaskId = Brand<string, 'TaskId'>

/** Makes fresh UUIDs. A parameter wherever ids are made, so that a test can number them. */
export type NewId = () => string

/** Enough of a peer id to tell it from its neighbours: its first letters are the same for all. */
export function peerText(peer: string): string {
  return `…${peer.slice(-8)}`
}

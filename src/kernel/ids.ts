/** Identifiers look alike, so the compiler keeps them apart. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }

/** A libp2p peer id: base58btc of the multihash of an Ed25519 public key (`12D3KooW…`). */
export type PeerId = Brand<string, 'PeerId'>
/** A UUID, made by the sender of a message, unique for ever. */
export type MessageId = Brand<string, 'MessageId'>
/** What a message is about: a trade's transaction, a compute task, a peer. Messages of one task keep their order. */
export type TaskId = Brand<string, 'TaskId'>

/** Makes fresh UUIDs. A parameter wherever ids are made, so that a test can number them. */
export type NewId = () => string

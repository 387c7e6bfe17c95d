import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { toString as encode, fromString } from 'uint8arrays'
import type { PeerId } from '../kernel/ids.ts'

/** DER of an Ed25519 key up to the 32 bytes of the key itself (RFC 8410). */
const PKCS8_PREFIX = fromString('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = fromString('302a300506032b6570032100', 'hex')
/** A libp2p peer id of an Ed25519 key: identity multihash (00 24) of the protobuf { type: 1, data: 32 bytes }. */
const PEER_ID_PREFIX = fromString('002408011220', 'hex')
/** multicodec ed25519-pub, as in did:key. */
const DID_KEY_PREFIX = fromString('ed01', 'hex')

/** This peer's own keypair; the seed never leaves it but for libp2p and the sealed box. */
export interface Identity {
  readonly peerId: PeerId
  /** `did:key:z6Mk…`, the same key in the words of W3C. */
  readonly did: string
  readonly seed: Uint8Array
  /** Ed25519 over `text`, base64url. */
  sign(text: string): string
}

export function identityFromSeed(seed: Uint8Array): Identity {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const peerId = peerIdOf(spki.subarray(SPKI_PREFIX.length))
  return {
    peerId,
    did: didOf(peerId),
    seed,
    sign: text => sign(null, Buffer.from(text), key).toString('base64url'),
  }
}

function peerIdOf(publicKey: Uint8Array): PeerId {
  return encode(Buffer.concat([PEER_ID_PREFIX, publicKey]), 'base58btc') as PeerId
}

/** The 32 bytes of the Ed25519 key a peer id spells out; undefined when it is no such peer id. */
export function publicKeyOf(peerId: string): Uint8Array | undefined {
  let bytes: Uint8Array
  try {
    bytes = fromString(peerId, 'base58btc')
  } catch {
    return undefined
  }
  const fits = bytes.length === PEER_ID_PREFIX.length + 32 && PEER_ID_PREFIX.every((byte, i) => bytes[i] === byte)
  return fits ? bytes.subarray(PEER_ID_PREFIX.length) : undefined
}

export function didOf(peerId: PeerId): string {
  const key = publicKeyOf(peerId)
  if (key === undefined) throw new TypeError(`not an Ed25519 peer id: ${peerId}`)
  return `did:key:z${encode(Buffer.concat([DID_KEY_PREFIX, key]), 'base58btc')}`
}

/** Importing a key costs as much as using it, so the keys of the peers we hear are kept, up to a bound. */
const keys = new LRUCache<string, KeyObject>({ max: 4096 })

/** undefined: `peerId` is no Ed25519 peer id. */
export function verifySignature(peerId: string, text: string, signature: string): boolean | undefined {
  let key = keys.get(peerId)
  if (key === undefined) {
    const raw = publicKeyOf(peerId)
    if (raw === undefined) return undefined
    key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
    keys.set(peerId, key)
  }
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'))
}

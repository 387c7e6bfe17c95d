import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { ed25519 } from '@noble/curves/ed25519.js'
import { LRUCache } from 'lru-cache'
import { toString as encode, fromString } from 'uint8arrays'
import type { PeerId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/outcome.ts'
import { canonical } from './canonical.ts'
import { deeperThan } from './decode.ts'
import type { Envelope, UnsignedEnvelope } from './envelope.ts'
import { type Identity, publicKeyOf } from './keys.ts'
import { MAX_DEPTH } from './limits.ts'

/**
 * Payloads only their recipient reads: HPKE (RFC 9180) base mode, X25519 from the recipient's Ed25519 key. The rest of
 * the envelope is authenticated with it, so a sealed payload cannot be moved into another message; who sealed it is
 * the envelope's signature.
 */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})
const INFO = fromString('wattmesh/sealed/1')

/** Converting a key costs more than using it; bounded, because peers choose the keys. */
const recipientKeys = new LRUCache<PeerId, Promise<CryptoKey>>({ max: 1024 })

export function isSealed(payload: JsonObject): boolean {
  return typeof payload['sealed'] === 'string' && typeof payload['enc'] === 'string'
}

export async function seal(unsigned: UnsignedEnvelope & { to: PeerId }): Promise<UnsignedEnvelope> {
  const { payload, ...header } = unsigned
  const sender = await suite.createSenderContext({ recipientPublicKey: await recipientKey(unsigned.to), info: INFO })
  const text = fromString(canonical(payload))
  const sealed = await sender.seal(text, associatedData(header))
  return { ...header, payload: { enc: base64url(sender.enc), sealed: base64url(sealed) } }
}

export type Open = (envelope: Envelope) => Promise<JsonObject | undefined>

/** Opens what was sealed to this identity; undefined when it was not. */
export async function createOpener(identity: Identity): Promise<Open> {
  const secret = ed25519.utils.toMontgomerySecret(identity.seed)
  const recipientKeyPrivate = await suite.kem.importKey('raw', exact(secret), false)
  return async ({ payload, signature: _, ...header }) => {
    try {
      const recipient = await suite.createRecipientContext({
        recipientKey: recipientKeyPrivate,
        enc: exact(fromString(payload['enc'] as string, 'base64url')),
        info: INFO,
      })
      const sealed = exact(fromString(payload['sealed'] as string, 'base64url'))
      const text = new Uint8Array(await recipient.open(sealed, associatedData(header)))
      // What was sealed was not counted when the envelope was decoded.
      if (deeperThan(text, MAX_DEPTH)) return undefined
      const opened: unknown = JSON.parse(encode(text))
      return typeof opened === 'object' && opened !== null && !Array.isArray(opened)
        ? (opened as JsonObject)
        : undefined
    } catch {
      // Sealed to another key, tampered with, or no JSON inside: all the same to the caller.
      return undefined
    }
  }
}

function recipientKey(peer: PeerId): Promise<CryptoKey> {
  let key = recipientKeys.get(peer)
  if (key === undefined) {
    const raw = publicKeyOf(peer)
    if (raw === undefined) throw new TypeError(`not an Ed25519 peer id: ${peer}`)
    key = suite.kem.importKey('raw', exact(ed25519.utils.toMontgomery(raw)), true)
    recipientKeys.set(peer, key)
  }
  return key
}

function associatedData(header: Omit<UnsignedEnvelope, 'payload'>): Uint8Array {
  return fromString(canonical(header))
}

function base64url(buffer: ArrayBuffer): string {
  return encode(new Uint8Array(buffer), 'base64url')
}

/** WebCrypto wants an ArrayBuffer of just these bytes. */
function exact(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}

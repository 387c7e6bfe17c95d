import { createPrivateKey, createPublicKey, type KeyObject, sign as rawSign, verify as rawVerify } from 'node:crypto'
import { decode } from '../../src/protocol/decode.ts'
import { type Identity, publicKeyOf } from '../../src/protocol/keys.ts'
import { MAX_GOSSIP_BYTES } from '../../src/protocol/limits.ts'
import { createOpener, seal } from '../../src/protocol/sealed.ts'
import { ENVELOPE_DOMAIN, signEnvelope } from '../../src/protocol/sign.ts'
import { verify } from '../../src/protocol/verify.ts'
import { createEnvelope, createIdentity, ENVELOPE_BYTES, NETWORK } from './envelopes.ts'
import type { Part } from './figure.ts'
import { race } from './race.ts'

/** Several senders and messages, so that nothing is measured that a cache of one entry would do. */
const SENDERS = 8
const MESSAGES = 64
const LENGTH = { rounds: 41, roundMs: 40 }

/** What a message costs to make and to check, against the signature alone. */
export const envelope: Part = {
  name: 'envelope',
  async run() {
    const receiver = createIdentity()
    const senders = Array.from({ length: SENDERS }, createIdentity)
    const samples = await Promise.all(
      Array.from({ length: MESSAGES }, (_, i) => createSample(senders[i % SENDERS] ?? receiver, receiver)),
    )
    const open = await createOpener(receiver)

    const speeds = await race(
      {
        rawVerify: () => samples.map(signatureHolds).length,
        verify: () => samples.map(sample => envelopeHolds(sample, receiver)).length,
        rawSign: () => samples.map(({ signedBytes, keys }) => rawSign(null, signedBytes, keys.secret)).length,
        sign: () => samples.map(({ unsigned, sender }) => signEnvelope(unsigned, sender)).length,
        seal: async () => {
          for (const { unsigned } of samples) await seal({ ...unsigned, to: receiver.peerId })
          return MESSAGES
        },
        open: async () => {
          for (const { sealed } of samples) must((await open({ ...sealed, signature: '' })) !== undefined)
          return MESSAGES
        },
      },
      LENGTH,
    )
    const size = `${ENVELOPE_BYTES} bytes`
    const verifying = 'node:crypto Ed25519 verify of the same bytes, key cached'
    return [
      {
        name: 'envelope.verifyVsRawEd25519',
        value: speeds.ratio('verify', 'rawVerify'),
        unit: 'ratio',
        against: verifying,
        atLeast: 0.8,
      },
      {
        name: 'envelope.signVsRawEd25519',
        value: speeds.ratio('sign', 'rawSign'),
        unit: 'ratio',
        against: 'node:crypto Ed25519 sign of the same bytes',
      },
      { name: 'envelope.rawVerifyPerSecond', value: speeds.rate('rawVerify'), unit: '/s', against: verifying },
      {
        name: 'envelope.verifyPerSecond',
        value: speeds.rate('verify'),
        unit: '/s',
        against: `decode + verify, ${size}`,
      },
      { name: 'envelope.signPerSecond', value: speeds.rate('sign'), unit: '/s', against: size },
      { name: 'envelope.sealPerSecond', value: speeds.rate('seal'), unit: '/s', against: `HPKE seal, ${size}` },
      { name: 'envelope.openPerSecond', value: speeds.rate('open'), unit: '/s', against: `HPKE open, ${size}` },
    ]
  },
}

type Sample = Awaited<ReturnType<typeof createSample>>

async function createSample(sender: Identity, receiver: Identity) {
  const unsigned = createEnvelope(sender)
  const bytes = signEnvelope(unsigned, sender)
  const decoded = decode(bytes, MAX_GOSSIP_BYTES)
  if (!decoded.ok) throw new Error(`the bench made a bad envelope: ${decoded.reason}`)
  return {
    sender,
    unsigned,
    bytes,
    keys: rawKeys(sender),
    sealed: await seal({ ...unsigned, to: receiver.peerId }),
    signedBytes: Buffer.from(ENVELOPE_DOMAIN + decoded.signedText),
    signature: Buffer.from(decoded.envelope.signature, 'base64url'),
  }
}

function signatureHolds({ signedBytes, signature, keys }: Sample): void {
  must(rawVerify(null, signedBytes, keys.public, signature))
}

function envelopeHolds({ bytes }: Sample, { peerId }: Identity): void {
  const decoded = decode(bytes, MAX_GOSSIP_BYTES)
  must(decoded.ok && verify(decoded, { peerId, network: NETWORK }, Date.now()) === undefined)
}

function rawKeys({ seed, peerId }: Identity): { secret: KeyObject; public: KeyObject } {
  const x = Buffer.from(publicKeyOf(peerId) ?? []).toString('base64url')
  const d = Buffer.from(seed).toString('base64url')
  const secret = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' })
  return { secret, public: createPublicKey(secret) }
}

/** A bench of something that fails would measure how fast it fails. */
function must(holds: boolean): void {
  if (!holds) throw new Error('a good envelope was refused')
}

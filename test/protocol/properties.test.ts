import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { catalogMessage, readCatalog } from '../../src/domains/trading/beckn/catalog-body.ts'
import { type ContractBody, contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import type { MessageId, SubjectId } from '../../src/kernel/ids.ts'
import type { JsonObject } from '../../src/kernel/outcome.ts'
import { canonical, isCanonical } from '../../src/protocol/canonical.ts'
import { type Decoded, decode } from '../../src/protocol/decode.ts'
import type { UnsignedEnvelope } from '../../src/protocol/envelope.ts'
import { didOf, identityFromSeed, publicKeyOf } from '../../src/protocol/keys.ts'
import { MAX_STREAM_BYTES } from '../../src/protocol/limits.ts'
import { createOpener, isSealed, seal } from '../../src/protocol/sealed.ts'
import { signEnvelope } from '../../src/protocol/sign.ts'
import { verify } from '../../src/protocol/verify.ts'
import { seedOf } from '../support/storm.ts'

fc.configureGlobal({ seed: seedOf('properties') })

const identity = (name: string) => identityFromSeed(createHash('sha256').update(name).digest())
const [alice, bob, carol] = [identity('alice'), identity('bob'), identity('carol')]
const NOW_MS = Date.UTC(2026, 0, 1)

const jsonObject = fc.dictionary(fc.string({ maxLength: 8, unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }), {
  maxKeys: 4,
}) as fc.Arbitrary<JsonObject>
const envelope: fc.Arbitrary<UnsignedEnvelope> = fc.record(
  {
    v: fc.constant(1 as const),
    type: fc.constantFrom('peer.advert', 'beckn.select', 'ack'),
    id: fc.uuid() as fc.Arbitrary<MessageId>,
    task_id: fc.stringMatching(/^[\w.:-]{1,40}$/) as unknown as fc.Arbitrary<SubjectId>,
    network: fc.constant('test'),
    sender_id: fc.constant(alice.peerId),
    to: fc.constant(bob.peerId),
    created: fc.integer({ min: NOW_MS - 30_000, max: NOW_MS }),
    expires: fc.integer({ min: NOW_MS + 1, max: NOW_MS + 60_000 }),
    reply_to: fc.uuid() as fc.Arbitrary<MessageId>,
    payload: jsonObject,
  },
  { requiredKeys: ['v', 'type', 'id', 'task_id', 'network', 'sender_id', 'created', 'expires', 'payload'] },
)

const receiver = { peerId: bob.peerId, network: 'test' }
function refusal(bytes: Uint8Array): string | undefined {
  const decoded = decode(bytes, MAX_STREAM_BYTES)
  return decoded.ok ? verify(decoded, receiver, NOW_MS)?.code : decoded.code
}

test('a signed envelope is read back as it was written, and verifies', () => {
  fc.assert(
    fc.property(envelope, unsigned => {
      const decoded = decode(signEnvelope(unsigned, alice), MAX_STREAM_BYTES) as Decoded
      expect(decoded).toMatchObject({ ok: true, signedText: canonical(unsigned) })
      const { signature, ...read } = decoded.envelope
      expect(signature).toHaveLength(86)
      expect(canonical(read)).toBe(canonical(unsigned))
      expect(verify(decoded, receiver, NOW_MS)).toBeUndefined()
    }),
  )
})

test('one changed byte anywhere in a signed envelope is enough to refuse it', () => {
  fc.assert(
    fc.property(envelope, fc.nat(), fc.integer({ min: 1, max: 255 }), (unsigned, position, flip) => {
      const bytes = signEnvelope(unsigned, alice)
      const changed = Uint8Array.from(bytes)
      const at = position % bytes.length
      changed[at] = (changed[at] ?? 0) ^ flip
      expect(refusal(changed)).toBeDefined()
    }),
    { numRuns: 1_000 },
  )
})

test('every single byte of one envelope is under its signature', () => {
  const [unsigned] = fc.sample(envelope, 1) as [UnsignedEnvelope]
  const bytes = signEnvelope(unsigned, alice)
  for (const flip of [1, 2, 4, 32]) {
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ flip
      expect(refusal(changed), `byte ${at} of ${Buffer.from(bytes).toString()}`).toBeDefined()
    }
  }
})

test('a signature has one spelling: no other last letter verifies', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  fc.assert(
    fc.property(envelope, unsigned => {
      const fields = JSON.parse(Buffer.from(signEnvelope(unsigned, alice)).toString()) as { signature: string }
      const verifying = letters.split('').filter(letter => {
        const signature = fields.signature.slice(0, -1) + letter
        return refusal(Buffer.from(canonical({ ...fields, signature }))) === undefined
      })
      expect(verifying).toEqual([fields.signature.at(-1)])
    }),
    { numRuns: 10 },
  )
})

test('a field that is changed, added or removed after signing is enough to refuse an envelope', () => {
  const change: fc.Arbitrary<(fields: Record<string, unknown>) => void> = fc.oneof(
    fc.constantFrom('v', 'created', 'expires').map(key => (fields: Record<string, unknown>) => {
      fields[key] = Number(fields[key]) + 1
    }),
    fc.constantFrom('id', 'reply_to').map(key => (fields: Record<string, unknown>) => {
      fields[key] = '00000000-0000-4000-8000-000000000000'
    }),
    fc.constantFrom('type', 'task_id', 'network').map(key => (fields: Record<string, unknown>) => {
      fields[key] = `${String(fields[key])}x`
    }),
    fc.constantFrom('sender_id').map(key => (fields: Record<string, unknown>) => {
      fields[key] = carol.peerId
    }),
    fc.string({ minLength: 1 }).map(key => (fields: Record<string, unknown>) => {
      const payload = fields['payload'] as object
      fields['payload'] = { ...payload, [`${key} `]: 1 }
    }),
    fc
      .constantFrom('v', 'type', 'id', 'created', 'payload', 'signature')
      .map(key => (fields: Record<string, unknown>) => {
        delete fields[key]
      }),
  )
  fc.assert(
    fc.property(envelope, change, (unsigned, apply) => {
      const fields = JSON.parse(Buffer.from(signEnvelope(unsigned, alice)).toString()) as Record<string, unknown>
      apply(fields)
      expect(refusal(Buffer.from(canonical(fields)))).toBeDefined()
    }),
    { numRuns: 500 },
  )
})

test('random bytes never make decode throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      expect(decode(bytes, MAX_STREAM_BYTES).ok).toBe(false)
    }),
  )
})

/** Text that is nearly canonical JSON: keys like numbers, escapes, odd numbers, keys out of order or twice. */
const oddJson = fc.oneof(
  fc.json({ maxDepth: 4 }),
  jsonObject.map(value => JSON.stringify(value)),
  jsonObject.map(value => canonical(value)),
  fc.json().map(text => text.replace(/[,:]/, found => `${found} `)),
  fc
    .dictionary(fc.constantFrom('10', '9', '2', 'a', 'B', '', 'é', '😀', '__proto__'), fc.integer())
    .map(o => canonical(o)),
  fc.constantFrom(
    ...['{"10":1,"9":2}', '{"9":2,"10":1}', '{"a":1,"a":1}', '{"a":-0}', '{"a":1e3}', '{"a":1000.0}', '{"a":1E400}'],
    ...['"\\ud83d\\ude00"', '"\\ud83d"', '"\\u007f"', '"\u2028"', '{"\\u0061":1}', '[1,2]', '[ 1]', 'null', '1e21'],
    ...['{"__proto__":1}', '{"b":{"2":0,"10":0}}', '{"b":{"10":0,"2":0}}', '"\\/"', '"\\u000a"', '"\\n"'],
  ),
)

test('isCanonical says what canonicalize says, whatever the text', () => {
  fc.assert(
    fc.property(oddJson, text => {
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        return
      }
      let expected: boolean
      try {
        expected = canonicalize(value) === text
      } catch {
        expected = false
      }
      expect(isCanonical(value, text)).toBe(expected)
    }),
    { numRuns: 2_000 },
  )
})

test('what is sealed to a peer is opened by that peer and by nobody else', async () => {
  const [forBob, forCarol] = [await createOpener(bob), await createOpener(carol)]
  await fc.assert(
    fc.asyncProperty(envelope, async unsigned => {
      const sealed = await seal({ ...unsigned, to: bob.peerId })
      expect(isSealed(sealed.payload)).toBe(true)
      const message = { ...sealed, signature: '' }
      expect(canonical((await forBob(message)) ?? {})).toBe(canonical(unsigned.payload))
      expect(await forCarol(message)).toBeUndefined()
      expect(await forBob({ ...message, created: message.created + 1 })).toBeUndefined()
    }),
    { numRuns: 30 },
  )
})

test('a peer id and a did:key spell the same key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), seed => {
      const { peerId, did } = identityFromSeed(seed)
      expect(publicKeyOf(peerId)).toHaveLength(32)
      expect(didOf(peerId)).toBe(did)
      expect(did).toMatch(/^did:key:z6Mk/)
    }),
  )
})

test('what is no Ed25519 peer id has no key', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      expect(publicKeyOf(text)).toBeUndefined()
    }),
  )
})

// ── Bodies ────────────────────────────────────────────────────────────────────────────────────────────────────────
const durationMs = fc.constantFrom(1_000, 5_000, 60_000, 900_000, 3_600_000)
const priceMicro = fc.integer({ min: 0, max: 10_000_000 })
const energyWh = fc.integer({ min: 0, max: 100_000_000 })
const startMs = fc.integer({ min: 0, max: 4_000_000_000 }).map(n => n * 1_000)

test('a contract body is read back as it was written', () => {
  const body: fc.Arbitrary<ContractBody> = fc
    .record({
      buyer: fc.constant(alice.peerId),
      seller: fc.constant(bob.peerId),
      contractId: fc.uuid(),
      offerId: fc.string({ minLength: 1, maxLength: 64 }),
      slot: fc.record({ startMs, durationMs }),
      energyWh,
      priceMicro,
      availableWh: energyWh,
      gridFeeMicro: priceMicro,
      currency: fc.constantFrom('USD', 'EUR', 'INR'),
      status: fc.constantFrom('DRAFT', 'ACTIVE', 'CANCELLED', 'COMPLETE'),
      signatures: fc.record({ buyer: fc.base64String(), seller: fc.base64String() }, { requiredKeys: [] }),
    })
    .map(said => ({ ...said, quoted: true }))
  fc.assert(
    fc.property(body, said => {
      expect(readContract(JSON.parse(JSON.stringify(contractMessage(said))))).toEqual(said)
    }),
  )
})

test('a catalog body is read back as it was written', () => {
  const catalog = fc
    .record({
      version: fc.integer({ min: 1, max: 4_000_000_000_000 }),
      validUntilMs: startMs,
      role: fc.constantFrom('household' as const, 'utility' as const),
      sourceType: fc.constantFrom(...(['SOLAR', 'BATTERY', 'GRID', 'HYBRID', 'RENEWABLE'] as const)),
      first: fc.record({ startMs, durationMs }),
      prices: fc.array(fc.record({ priceMicro, availableWh: energyWh }), { minLength: 1, maxLength: 96 }),
    })
    .map(({ first, prices, ...rest }) => ({
      ...rest,
      seller: alice.peerId,
      currency: 'USD',
      offers: prices.map((price, i) => ({
        offerId: 'offer',
        slot: { startMs: first.startMs + i * first.durationMs, durationMs: first.durationMs },
        ...price,
      })),
    }))
  fc.assert(
    fc.property(catalog, said => {
      const message: unknown = JSON.parse(JSON.stringify(catalogMessage(said, 'somebody')))
      expect(readCatalog(message, alice.peerId)).toEqual(said)
      expect(readCatalog(message, bob.peerId)).toBeTypeOf('string')
    }),
  )
})

test('whatever else is said to be a contract or a catalog gives a sentence, and never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      expect(readContract(value)).toBeTypeOf('string')
      expect(readCatalog(value, alice.peerId)).toBeTypeOf('string')
    }),
  )
})

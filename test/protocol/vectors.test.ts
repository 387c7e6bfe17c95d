import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { check } from '../../src/inbox/check.ts'
import { outcome } from '../../src/kernel/outcome.ts'
import { decode } from '../../src/protocol/decode.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { MAX_STREAM_BYTES } from '../../src/protocol/limits.ts'
import type { MessageType } from '../../src/protocol/message-type.ts'
import { createOpener } from '../../src/protocol/sealed.ts'
import { type ProtocolCode, VERDICTS } from '../../src/protocol/verdict.ts'
import type { Vector } from './generate-vectors.ts'

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'))
const vectors = read('envelopes') as Vector[]
const identities = read('identities') as Record<string, { seed: string; peerId: string; did: string }>
const bob = identityFromSeed(Buffer.from(identities['bob']?.seed ?? '', 'hex'))
const note: MessageType<never> = {
  payload: z.looseObject({}),
  carriers: ['orders', 'stream'],
  stream: 'orders',
  sealed: false,
  kept: true,
  handle: () => outcome(),
}

test.each(Object.entries(identities))('the key of %s has its peer id and did', (_, { seed, peerId, did }) => {
  expect(identityFromSeed(Buffer.from(seed, 'hex'))).toMatchObject({ peerId, did })
})

test.each(vectors.map(vector => [vector.name, vector] as const))('%s', async (_, vector) => {
  const bytes = bytesOf(vector)
  const open = await createOpener(bob)
  const clock = { now: () => vector.nowMs, sleep: () => Promise.resolve() }
  const checked = check(
    { bytes, carrier: vector.carrier, from: vector.from },
    { receiver: { peerId: bob.peerId, network: 'vectors' }, types: new Map([['test.note', note]]), clock, open },
  )
  expect(checked.ok ? 'ok' : checked.code).toBe(vector.expect)
  expect(checked.ok ? 'accept' : VERDICTS[checked.code].verdict).toBe(vector.verdict)
  if (!('opened' in vector)) return
  const decoded = decode(bytes, MAX_STREAM_BYTES)
  if (!decoded.ok) throw new Error(decoded.reason)
  expect((await open(decoded.envelope)) ?? null).toEqual(vector.opened)
})

test('every code that decode and verify give has a vector', () => {
  // These are the inbox's: they need a history or a payload's schema.
  const elsewhere: ProtocolCode[] = ['ENV_SEALED', 'ENV_PAYLOAD', 'ENV_REPLAYED', 'ENV_ID_REUSED']
  const covered = new Set<string>([...vectors.map(vector => vector.expect), ...elsewhere])
  expect(Object.keys(VERDICTS).filter(code => !covered.has(code))).toEqual([])
})

function bytesOf({ parts, base64 }: Vector): Uint8Array {
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return Buffer.from((parts ?? []).map(([text, times]) => text.repeat(times)).join(''))
}

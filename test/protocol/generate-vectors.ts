/**
 * Writes the golden vectors: `node test/protocol/generate-vectors.ts`. They are written once and committed; a change
 * of them is a change of the protocol. Keys and times are fixed; only what is sealed has chance in it.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { MessageId, PeerId, SubjectId } from '../../src/kernel/ids.ts'
import type { Carrier } from '../../src/kernel/outcome.ts'
import { canonical } from '../../src/protocol/canonical.ts'
import type { UnsignedEnvelope } from '../../src/protocol/envelope.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { seal } from '../../src/protocol/sealed.ts'
import { ENVELOPE_DOMAIN, signEnvelope } from '../../src/protocol/sign.ts'

export interface Vector {
  readonly name: string
  /** The bytes, as pieces of text and how often each is repeated, or as base64. */
  readonly parts?: readonly (readonly [text: string, times: number])[]
  readonly base64?: string
  readonly carrier: Carrier
  /** The neighbour it came from. */
  readonly from: PeerId
  readonly nowMs: number
  /** 'ok', or the code it is refused with. */
  readonly expect: string
  readonly verdict: string
  /** What an opener finds inside: the payload, or null where it cannot be opened. */
  readonly opened?: unknown
}

export const seedOf = (name: string): Buffer => createHash('sha256').update(`wattmesh/vectors/${name}`).digest()
const alice = identityFromSeed(seedOf('alice'))
const bob = identityFromSeed(seedOf('bob'))
const carol = identityFromSeed(seedOf('carol'))
const NOW_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

const base: UnsignedEnvelope = {
  v: 1,
  type: 'test.note',
  id: '6f1b1c1e-0000-4000-8000-000000000001' as MessageId,
  task_id: 'task-1' as SubjectId,
  network: 'vectors',
  sender_id: alice.peerId,
  created: NOW_MS - 1_000,
  expires: NOW_MS + 60_000,
  payload: { text: 'Grüße, 力, 🔋', number: 1.5, nested: { list: [1, 'two', null, true] } },
}
const direct = { ...base, to: bob.peerId }
const at = { carrier: 'orders', from: alice.peerId, nowMs: NOW_MS } as const

const signed = (change: object = {}): string => Buffer.from(signEnvelope({ ...base, ...change }, alice)).toString()
/** Signed like an envelope, whatever it is. */
function signedAnyway(value: object): string {
  const signature = alice.sign(ENVELOPE_DOMAIN + canonical(value))
  return canonical({ ...value, signature })
}
function without(field: string): string {
  return signedAnyway(Object.fromEntries(Object.entries(base).filter(([key]) => key !== field)))
}
const good = signed()
/** The last letter of a signature has four bits that mean nothing. */
function respelled(message: string): string {
  const next: Record<string, string> = { A: 'B', Q: 'R', g: 'h', w: 'x' }
  return message.replace(/([AQgw])","task_id"/, (_, letter: string) => `${next[letter]}","task_id"`)
}
const vectors: Vector[] = []

function add(name: string, expect: string, verdict: string, text: string, more: Partial<Vector> = {}): void {
  vectors.push({ name, ...at, parts: [[text, 1]], expect, verdict, ...more })
}

add('a good message to everybody', 'ok', 'accept', good)
add('a good message to this peer', 'ok', 'accept', signed({ to: bob.peerId }))
add('a good message with everything optional', 'ok', 'accept', signed({ to: bob.peerId, reply_to: base.id }))
add('a good message by stream', 'ok', 'accept', signed({ to: bob.peerId }), { carrier: 'stream' })
add('as old as clocks may disagree', 'ok', 'accept', good, { nowMs: NOW_MS + 120_000 })
add('as young as clocks may disagree', 'ok', 'accept', good, { nowMs: NOW_MS - 61_000 })

const head = good.slice(0, good.indexOf('"text":"') + 8)
const tail = good.slice(head.length)
add('one byte larger than gossip allows', 'ENV_TOO_LARGE', 'reject', '', {
  parts: [
    [head, 1],
    ['x', 65_536 - Buffer.byteLength(good) + 1],
    [tail, 1],
  ],
})
add('larger than a stream allows', 'ENV_TOO_LARGE', 'reject', '', { carrier: 'stream', parts: [['x', 1_048_577]] })
add('nothing', 'ENV_UNREADABLE', 'reject', '')
add('no JSON', 'ENV_UNREADABLE', 'reject', 'hello')
add('JSON cut off', 'ENV_UNREADABLE', 'reject', good.slice(0, -1))
add('no UTF-8', 'ENV_UNREADABLE', 'reject', '', { parts: undefined as never, base64: 'eyJ2IjoiwyJ9' })
add('a byte order mark', 'ENV_UNREADABLE', 'reject', `\ufeff${good}`)
add('a bomb of brackets', 'ENV_TOO_DEEP', 'reject', '', { parts: [['[', 60_000]] })
add('nested one deeper than allowed', 'ENV_TOO_DEEP', 'reject', '', {
  parts: [
    ['{"a":', 32],
    ['{}', 1],
    ['}', 32],
  ],
})
add('brackets inside a string are no depth', 'ok', 'accept', signed({ payload: { text: '[{'.repeat(100) } }))
add('an array', 'ENV_FRAME', 'reject', '[]')
add('a string', 'ENV_FRAME', 'reject', '"hello"')
for (const field of ['type', 'id', 'task_id', 'network', 'sender_id', 'created', 'expires', 'payload', 'v'])
  add(`without ${field}`, 'ENV_FRAME', 'reject', without(field))
add('without signature', 'ENV_FRAME', 'reject', canonical(base))
add('with an unknown field', 'ENV_FRAME', 'reject', signedAnyway({ ...base, extra: 1 }))
add('a type in capitals', 'ENV_FRAME', 'reject', signed({ type: 'Test.Note' }))
add('an id that is no UUID', 'ENV_FRAME', 'reject', signed({ id: '1' }))
add('a time that is no integer', 'ENV_FRAME', 'reject', signed({ created: NOW_MS + 0.5 }))
add('a payload that is an array', 'ENV_FRAME', 'reject', signed({ payload: [] }))
add('a sender that is an RSA peer id', 'ENV_FRAME', 'reject', signed({ sender_id: `Qm${'a'.repeat(44)}` }))
add('a space after a colon', 'ENV_NOT_CANONICAL', 'reject', good.replace('"v":1', '"v": 1'))
add('a line end after the message', 'ENV_NOT_CANONICAL', 'reject', `${good}\n`)
add('keys in another order', 'ENV_NOT_CANONICAL', 'reject', `{"v":1,${good.slice(1, -7)}}`)
add('a key twice', 'ENV_NOT_CANONICAL', 'reject', good.replace('"v":1', '"v":1,"v":1'))
add('a number in another spelling', 'ENV_NOT_CANONICAL', 'reject', good.replace('"number":1.5', '"number":1.50'))
add('an escape that is not needed', 'ENV_NOT_CANONICAL', 'reject', good.replace('Grüße', 'Gr\\u00fc\\u00dfe'))
add('half a surrogate pair', 'ENV_NOT_CANONICAL', 'reject', good.replace('🔋', '\\ud83d'))
add('another version', 'ENV_VERSION', 'ignore', signed({ v: 2 }))
add('another network', 'ENV_NETWORK', 'reject', signed({ network: 'elsewhere' }))
add('to somebody else', 'ENV_AUDIENCE', 'accept', signed({ to: carol.peerId }))
add(
  'to somebody else, with a wrong signature',
  'ENV_SIGNATURE',
  'reject',
  signed({ to: carol.peerId }).replace('力', '刀'),
)
add('expired', 'ENV_EXPIRED', 'ignore', good, { nowMs: NOW_MS + 120_001 })
add('from the future', 'ENV_FROM_FUTURE', 'ignore', good, { nowMs: NOW_MS - 61_001 })
add('living longer than a day', 'ENV_LIFETIME', 'reject', signed({ expires: base.created + DAY_MS + 1 }))
add('expired before it was made', 'ENV_LIFETIME', 'reject', signed({ expires: base.created }))
add('signed by another key', 'ENV_SIGNATURE', 'reject', signed({ sender_id: carol.peerId }))
add('a changed payload', 'ENV_SIGNATURE', 'reject', good.replace('"number":1.5', '"number":2.5'))
add('a signature of another message', 'ENV_SIGNATURE', 'reject', good.replace('task-1', 'task-2'))
add(
  'signed without the domain',
  'ENV_SIGNATURE',
  'reject',
  canonical({ ...base, signature: alice.sign(canonical(base)) }),
)
add('a signature in another spelling of the same bytes', 'ENV_FRAME', 'reject', respelled(good))
add('a sender that is no key', 'ENV_SENDER', 'reject', signed({ sender_id: `12D3KooW${'z'.repeat(44)}` }))
add('a stream of another peer', 'ENV_SENDER', 'reject', signed({ to: bob.peerId }), {
  carrier: 'stream',
  from: carol.peerId,
})
add('to nobody, on a stream', 'ENV_AUDIENCE', 'accept', good, { carrier: 'stream' })
add('an unknown type', 'ENV_UNKNOWN_TYPE', 'ignore', signed({ type: 'test.unheard' }))
add('a type that does not travel this way', 'ENV_CARRIER', 'ignore', good, { carrier: 'adverts' })

const sealedToBob = await seal(direct)
const sealedToCarol = await seal({ ...direct, to: carol.peerId })
const text = (envelope: UnsignedEnvelope): string => Buffer.from(signEnvelope(envelope, alice)).toString()
add('sealed to this peer', 'ok', 'accept', text(sealedToBob), { opened: base.payload })
add('sealed to another key, addressed to this peer', 'ok', 'accept', text({ ...sealedToCarol, to: bob.peerId }), {
  opened: null,
})
add(
  'a sealed payload moved into another message',
  'ok',
  'accept',
  text({ ...sealedToBob, task_id: 'task-2' as SubjectId }),
  {
    opened: null,
  },
)
add(
  'a sealed payload that is no ciphertext',
  'ok',
  'accept',
  text({ ...direct, payload: { enc: 'AA', sealed: '!' } }),
  {
    opened: null,
  },
)
const hollow = await seal({ ...direct, payload: { deep: nest(64) } })
add('a sealed payload nested deeper than allowed', 'ok', 'accept', text(hollow), { opened: null })

function nest(levels: number): never {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as never
}

writeFileSync(new URL('vectors/envelopes.json', import.meta.url), `${JSON.stringify(vectors, null, 1)}\n`)
const identities = Object.fromEntries(
  [['alice', alice] as const, ['bob', bob] as const, ['carol', carol] as const].map(([name, { peerId, did }]) => [
    name,
    { seed: seedOf(name).toString('hex'), peerId, did },
  ]),
)
writeFileSync(new URL('vectors/identities.json', import.meta.url), `${JSON.stringify(identities, null, 1)}\n`)

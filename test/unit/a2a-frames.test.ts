import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFetch } from '../../src/domains/agents/carrier.ts'
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  MAX_ANSWER_BYTES,
  MAX_REQUEST_BYTES,
} from '../../src/domains/agents/frame.ts'
import { codeOf } from '../../src/kernel/errors.ts'
import type { PeerId } from '../../src/kernel/ids.ts'

const peer = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
const GET = { method: 'GET', path: '/.well-known/agent-card.json', headers: { accept: '*/*' }, body: '' } as const

function codeFor(bytes: Uint8Array): string | undefined {
  try {
    decodeRequest(bytes)
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

test('what is encoded is decoded as it was, whatever the body says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 200, max: 599 }), (body, status) => {
      fc.pre(body.isWellFormed())
      expect(decodeRequest(encodeRequest({ ...GET, method: 'POST', body })).body).toBe(body)
      expect(decodeAnswer(encodeAnswer({ status, headers: {}, body }))).toEqual({ status, headers: {}, body })
    }),
  )
})

test('a frame has one spelling and one shape', () => {
  const text = Buffer.from(encodeRequest(GET)).toString()
  expect(codeFor(Buffer.from(text))).toBeUndefined()
  expect(codeFor(Buffer.from(` ${text}`))).toBe('A2A_NOT_CANONICAL')
  expect(codeFor(Buffer.from(text.replace('GET', 'PUT')))).toBe('A2A_FRAME')
  expect(codeFor(Buffer.from(text.replace('"path":"/', '"path":"')))).toBe('A2A_FRAME')
  expect(codeFor(Buffer.from(text.replace('"accept"', '"Accept"')))).toBe('A2A_FRAME')
  expect(codeFor(Buffer.from(text.replace('{', '{"aaa":1,')))).toBe('A2A_FRAME')
})

test('a frame cut anywhere is unreadable, and none is believed', () => {
  const whole = encodeRequest({ ...GET, body: '{"a":[1,2]}' })
  for (let length = 0; length < whole.byteLength; length++) {
    expect(codeFor(whole.subarray(0, length))).toBe('A2A_UNREADABLE')
  }
})

test('frames are bounded in size and depth, the body inside included', () => {
  expect(codeFor(new Uint8Array(MAX_REQUEST_BYTES + 1))).toBe('A2A_TOO_LARGE')
  expect(codeFor(Buffer.from('['.repeat(33)))).toBe('A2A_TOO_DEEP')
  expect(codeFor(encodeRequest({ ...GET, body: '['.repeat(33) }))).toBe('A2A_TOO_DEEP')
  expect(() => encodeRequest({ ...GET, body: 'x'.repeat(MAX_REQUEST_BYTES) })).toThrow(/at most/)
  expect(() => encodeAnswer({ status: 200, headers: {}, body: 'x'.repeat(MAX_ANSWER_BYTES) })).toThrow(/at most/)
})

test('a fetch goes to its own peer and nowhere else', async () => {
  const sent: string[] = []
  const reach = createFetch(
    async (to, bytes) => {
      sent.push(`${to} ${decodeRequest(bytes).method} ${decodeRequest(bytes).path}`)
      return encodeAnswer({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"ok":true}' })
    },
    peer,
    { timeoutMs: 1_000 },
  )
  const response = await reach(`libp2p://${peer}/a2a/1?x=1`, { method: 'POST', body: '{}' })
  expect(await response.json()).toEqual({ ok: true })
  for (const url of ['http://169.254.169.254/latest', `http://${peer}/`, 'libp2p://12D3KooWsomebodyelse/a2a/1']) {
    await expect(reach(url)).rejects.toMatchObject({ code: 'A2A_WRONG_PEER' })
  }
  expect(sent).toEqual([`${peer} POST /a2a/1?x=1`])
})

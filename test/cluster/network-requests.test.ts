import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import * as lp from 'it-length-prefixed'
import { createLibp2p, type Libp2p } from 'libp2p'
import { expect, test, vi } from 'vitest'
import { codeOf } from '../../src/kernel/errors.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { MAX_STREAM_BYTES } from '../../src/protocol/limits.ts'
import { ECHO, eventually, type TestHost, testHosts, text } from '../support/network-hosts.ts'

vi.setConfig({ testTimeout: 30_000 })

const IN_TIME = { timeoutMs: 5_000 }

const failure = (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, codeOf)

async function lanes(host: TestHost): Promise<number> {
  await host.metrics.text()
  return host.metrics.total('request_lanes')
}

test('requests one after another share one stream', async () => {
  await using hosts = testHosts()
  const [asker, answerer] = [await hosts.start(), await hosts.start()]
  await asker.connect(answerer.address(), IN_TIME)
  for (let i = 0; i < 20; i++) {
    const answer = await asker.request(answerer.peerId, ECHO, text(`question ${i}`), IN_TIME)
    expect(Buffer.from(answer).toString()).toBe(`question ${i}`)
  }
  expect(await lanes(asker)).toBe(1)
})

test('a hundred requests at once use at most sixteen streams, and every answer finds its question', async () => {
  await using hosts = testHosts()
  const [asker, answerer] = [await hosts.start(), await hosts.start()]
  await asker.connect(answerer.address(), IN_TIME)
  const questions = Array.from({ length: 100 }, (_, i) => `question ${i}`)
  const answers = await Promise.all(questions.map(q => asker.request(answerer.peerId, ECHO, text(q), IN_TIME)))
  expect(answers.map(answer => Buffer.from(answer).toString())).toEqual(questions)
  expect(await lanes(asker)).toBe(16)
})

test('the largest request is answered, a larger one is refused before it is sent', async () => {
  await using hosts = testHosts()
  const [asker, answerer] = [await hosts.start(), await hosts.start()]
  await asker.connect(answerer.address(), IN_TIME)
  const largest = Buffer.alloc(MAX_STREAM_BYTES, 'x')
  expect(largest.equals(await asker.request(answerer.peerId, ECHO, largest, IN_TIME))).toBe(true)
  const larger = asker.request(answerer.peerId, ECHO, new Uint8Array(MAX_STREAM_BYTES + 1), IN_TIME)
  expect(await failure(larger)).toBe('NET_TOO_LARGE')
})

test('a silent handler times out, and its late answer is not taken for the next one', async () => {
  await using hosts = testHosts()
  const release = Promise.withResolvers<void>()
  const onRequest = async (_: string, bytes: Uint8Array) => {
    if (Buffer.from(bytes).toString() === 'slow') await release.promise
    return bytes
  }
  const [asker, answerer] = [await hosts.start(), await hosts.start({}, { onRequest })]
  await asker.connect(answerer.address(), IN_TIME)
  expect(await failure(asker.request(answerer.peerId, ECHO, text('slow'), { timeoutMs: 200 }))).toBe('NET_TIMEOUT')
  release.resolve()
  const answer = await asker.request(answerer.peerId, ECHO, text('quick'), IN_TIME)
  expect(Buffer.from(answer).toString()).toBe('quick')
})

test('a caller can give up, and the code says that it was the caller', async () => {
  await using hosts = testHosts()
  const onRequest = () => new Promise<Uint8Array>(() => {})
  const [asker, answerer] = [await hosts.start(), await hosts.start({}, { onRequest })]
  await asker.connect(answerer.address(), IN_TIME)
  const giveUp = new AbortController()
  const asked = asker.request(answerer.peerId, ECHO, text('?'), { timeoutMs: 5_000, signal: giveUp.signal })
  giveUp.abort()
  expect(await failure(asked)).toBe('NET_ABORTED')
})

test('a handler that throws resets the stream and tells the sender nothing', async () => {
  await using hosts = testHosts()
  const onRequest = () => Promise.reject(new TypeError('a secret'))
  const [asker, answerer] = [await hosts.start(), await hosts.start({}, { onRequest })]
  await asker.connect(answerer.address(), IN_TIME)
  expect(await failure(asker.request(answerer.peerId, ECHO, text('?'), IN_TIME))).toBe('NET_STREAM_RESET')
})

test('a request to a peer nobody knows fails at once, not after its time-out', async () => {
  await using hosts = testHosts()
  const asker = await hosts.start()
  const unknown = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN' as PeerId
  expect(await failure(asker.request(unknown, ECHO, text('?'), { timeoutMs: 60_000 }))).toBe('NET_UNREACHABLE')
})

test('a peer that does not speak the protocol is told apart from one that is gone', async () => {
  await using hosts = testHosts()
  const [asker, answerer] = [await hosts.start(), await hosts.start()]
  await asker.connect(answerer.address(), IN_TIME)
  expect(await failure(asker.request(answerer.peerId, '/nobody/1', text('?'), IN_TIME))).toBe('NET_UNSUPPORTED')
})

test('after the answerer restarted at the same place, requests go on', async () => {
  await using hosts = testHosts()
  const [asker, answerer] = [await hosts.start(), await hosts.start()]
  const address = answerer.address()
  await asker.connect(address, IN_TIME)
  await asker.request(answerer.peerId, ECHO, text('one'), IN_TIME)
  await answerer.stop()
  await eventually('the loss is noticed', () => !asker.isConnected(answerer.peerId))
  await hosts.start({ listen: [address.replace(/\/p2p\/.*/, '')] }, { seed: answerer.seed })
  const answer = await asker.request(answerer.peerId, ECHO, text('two'), IN_TIME)
  expect(Buffer.from(answer).toString()).toBe('two')
})

test('a half-sent request is reset, and its sender can still ask properly', async () => {
  await using hosts = testHosts()
  const answerer = await hosts.start({}, { patience: { idleMs: 5_000, frameMs: 100 } })
  await using rude = await rudeHost()
  const whole = lp.encode.single(text('a whole request')).subarray()
  const stalled = await rude.open(answerer)
  stalled.send(whole.subarray(0, 4))
  await eventually('the stalled stream is reset', () => stalled.status === 'reset')
  const proper = await rude.open(answerer)
  proper.send(whole)
  const { value } = await proper[Symbol.asyncIterator]().next()
  expect(Buffer.from(value?.subarray() ?? []).equals(whole)).toBe(true)
})

test('an answer that stalls half-way costs its time-out, holds no memory, and the next one comes on a stream of its own', async () => {
  await using hosts = testHosts()
  const asker = await hosts.start()
  const whole = lp.encode.single(text('a whole answer')).subarray()
  let asked = 0
  await using rude = await rudeHost(stream => {
    const first = asked++ === 0
    stream.addEventListener('message', () => stream.send(first ? whole.subarray(0, 4) : whole), { once: true })
  })
  await asker.connect(rude.address(), IN_TIME)
  const ask = (timeoutMs: number) => asker.request(rude.peerId, ECHO, text('a question'), { timeoutMs })
  expect(await failure(ask(300))).toBe('NET_TIMEOUT')
  await eventually('the stalled stream is given up', async () => (await lanes(asker)) === 0)
  expect(Buffer.from(await ask(5_000)).toString()).toBe('a whole answer')
  expect([asked, await lanes(asker)]).toEqual([2, 1])
})

test('a resting stream is closed after its time', async () => {
  await using hosts = testHosts()
  const answerer = await hosts.start({}, { patience: { idleMs: 100, frameMs: 5_000 } })
  await using rude = await rudeHost()
  const stream = await rude.open(answerer)
  await eventually('the resting stream is reset', () => stream.status === 'reset')
})

test('a frame that claims to be too long is refused before it is read', async () => {
  await using hosts = testHosts()
  const answerer = await hosts.start()
  await using rude = await rudeHost()
  const stream = await rude.open(answerer)
  stream.send(Uint8Array.from([0xff, 0xff, 0xff, 0x7f]))
  await eventually('the stream is reset', () => stream.status === 'reset')
})

interface RudeHost extends AsyncDisposable {
  readonly peerId: PeerId
  address(): string
  open(to: TestHost): Promise<Stream>
}

/** A bare libp2p node that holds to no manners of ours, and answers as it likes. */
async function rudeHost(onStream: (stream: Stream) => void = () => undefined): Promise<RudeHost> {
  const node: Libp2p = await createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  await node.handle(ECHO, onStream)
  return {
    peerId: node.peerId.toString() as PeerId,
    address: () => node.getMultiaddrs()[0]?.toString() ?? '',
    open: to => node.dialProtocol(multiaddr(to.address()), ECHO),
    [Symbol.asyncDispose]: async () => node.stop(),
  }
}

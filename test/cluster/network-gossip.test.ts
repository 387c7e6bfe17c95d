import { expect, test, vi } from 'vitest'
import { codeOf } from '../../src/kernel/errors.ts'
import { MAX_GOSSIP_BYTES } from '../../src/protocol/limits.ts'
import { ECHO, eventually, type TestHost, TOPIC, testHosts, text } from '../support/network-hosts.ts'

vi.setConfig({ testTimeout: 30_000 })

async function joined(hosts: readonly TestHost[]): Promise<void> {
  const [first, ...others] = hosts
  for (const host of others) await host.connect(first?.address() ?? '', { timeoutMs: 5_000 })
  await eventually('everybody has a neighbour on the topic', () => hosts.every(host => host.subscribers(TOPIC) > 0))
}

test('a message reaches every host once, over hosts in between', async () => {
  await using hosts = testHosts()
  const all = [await hosts.start(), await hosts.start(), await hosts.start(), await hosts.start(), await hosts.start()]
  await joined(all)
  const [, sender, ...others] = all as [TestHost, TestHost, ...TestHost[]]

  expect(await sender.publish(TOPIC, text('hello'))).toBe(1)

  await eventually('all others heard it', () => others.every(host => host.heard.length === 1))
  expect(sender.heard).toEqual([])
  expect(others[0]?.heard[0]?.from).toBe(all[0]?.peerId)
})

test('a message published to nobody can be published again when somebody has come', async () => {
  await using hosts = testHosts()
  const [one, two] = [await hosts.start(), await hosts.start()]
  expect(await one.publish(TOPIC, text('offer'))).toBe(0)
  await joined([one, two])
  expect(await one.publish(TOPIC, text('offer'))).toBe(1)
  await eventually('it arrives', () => two.heard.length === 1)
  expect(await one.publish(TOPIC, text('offer'))).toBe(0)
})

test('an oversized message is refused before it is lost', async () => {
  await using hosts = testHosts()
  const host = await hosts.start()
  const error = await host.publish(TOPIC, new Uint8Array(MAX_GOSSIP_BYTES + 1)).catch((e: unknown) => e)
  expect(codeOf(error)).toBe('NET_TOO_LARGE')
})

test('a message of the largest size arrives whole', async () => {
  await using hosts = testHosts()
  const [one, two] = [await hosts.start(), await hosts.start()]
  await joined([one, two])
  await one.publish(TOPIC, Buffer.alloc(MAX_GOSSIP_BYTES, 'a'))
  await eventually('it arrives', () => two.heard[0]?.text.length === MAX_GOSSIP_BYTES)
})

test('a topic this host does not follow is refused', async () => {
  await using hosts = testHosts()
  const host = await hosts.start()
  expect(codeOf(await host.publish('/elsewhere', text('x')).catch((e: unknown) => e))).toBe('NET_UNKNOWN_TOPIC')
})

test('a peer that keeps sending nonsense is heard no more, and its neighbours still are', async () => {
  await using hosts = testHosts()
  const [hub, bad, good] = [await hosts.start(), await hosts.start(), await hosts.start()]
  await joined([hub, bad, good])

  let sent = 0
  const isDeaf = async () => {
    const before = await rejected(hub)
    await bad.publish(TOPIC, text(`nonsense ${sent++}`))
    // An answer over the same connection: whatever was to come of the nonsense has come.
    await bad.request(hub.peerId, ECHO, text('there?'), { timeoutMs: 5_000 })
    return (await rejected(hub)) === before
  }
  await eventually('the hub is deaf to the bad one', isDeaf)
  await bad.publish(TOPIC, text('from the bad one'))
  await good.publish(TOPIC, text('from the good one'))

  await eventually('the good one is heard', () => hub.heard.some(({ from }) => from === good.peerId))
  expect(hub.heard.some(({ from }) => from === bad.peerId)).toBe(false)
  expect(sent).toBeGreaterThan(3)
})

test('a handler that throws costs one message, not the peer that sent it', async () => {
  await using hosts = testHosts()
  let failures = 0
  const onGossip = async () => {
    failures++
    throw new TypeError('a bug')
  }
  const [hub, sender] = [await hosts.start({}, { onGossip }), await hosts.start()]
  await joined([hub, sender])
  for (let i = 0; i < 8; i++) {
    await sender.publish(TOPIC, text(`message ${i}`))
    await eventually('it is handled', () => failures === i + 1)
  }
})

function rejected(host: TestHost): Promise<number> {
  return host.metrics.total('gossip_received_total', { verdict: 'reject' })
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { codeOf } from '../../src/kernel/errors.ts'
import { ECHO, eventually, type TestHost, TOPIC, testHosts, text } from '../support/network-hosts.ts'

vi.setConfig({ testTimeout: 30_000 })

const IN_TIME = { timeoutMs: 5_000 }
const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'wattmesh-'))
  folders.push(made)
  return made
}

const knows = (host: TestHost, others: readonly TestHost[]): boolean =>
  others.every(other => other === host || host.isConnected(other.peerId))

test('hosts that know only a bootstrap peer find each other, and talk on when it is gone', async () => {
  await using hosts = testHosts()
  const first = await hosts.start({ dht: 'server' })
  const options = { dht: 'server', bootstrap: [first.address()] } as const
  const others = [await hosts.start(options), await hosts.start(options), await hosts.start(options)] as const
  await eventually('everybody is connected to everybody', () => others.every(host => knows(host, others)))
  expect(others[0].discovered().bootstrap).toBe(1)

  await first.stop()
  await eventually('the bootstrap peer is missed', () => others.every(host => !host.isConnected(first.peerId)))

  await eventually('gossip has neighbours', () => others.every(host => host.subscribers(TOPIC) === 2))
  await others[0].publish(TOPIC, text('still here'))
  await eventually('the others hear it', () => others.slice(1).every(host => host.heard.length === 1))
  await others[1].request(others[2].peerId, ECHO, text('and you?'), IN_TIME)
})

test('a peer known by its id alone is found through the DHT', async () => {
  await using hosts = testHosts()
  const first = await hosts.start({ dht: 'server', network: 'one' })
  const options = { dht: 'server', bootstrap: [first.address()] } as const
  const asker = await hosts.start({ ...options, network: 'two' })
  const answerer = await hosts.start({ ...options, network: 'three' })
  await eventually('both are in the DHT', () => first.routingTableSize() === 2 && asker.routingTableSize() > 0)
  const answer = await asker.request(answerer.peerId, ECHO, text('found'), { timeoutMs: 10_000 })
  expect(Buffer.from(answer).toString()).toBe('found')
})

test('two hosts that both know each other end with one connection', async () => {
  await using hosts = testHosts()
  const before = [await hosts.start(), await hosts.start()] as const
  const [one, two] = [placeOf(before[0]), placeOf(before[1])]
  await Promise.all(before.map(host => host.stop()))

  const restart = async (self: Known, other: Known) => {
    const peersFile = join(await folder(), 'peers.json')
    const peers = [{ peer: other.peer, addresses: [other.address], seenAt: 0 }]
    await writeFile(peersFile, JSON.stringify({ version: 1, peers }))
    return hosts.start({ listen: [self.address], peersFile }, { seed: self.seed })
  }
  const after = await Promise.all([restart(one, two), restart(two, one)])

  await eventually('they have greeted each other', () => after.every(host => host.peers()[0]?.agent === 'wattmesh/1'))
  expect(after.map(host => host.peers()[0]?.addresses.length)).toEqual([1, 1])
  const [smaller, greater] = after.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1))
  expect([smaller?.peers()[0]?.direction, greater?.peers()[0]?.direction]).toEqual(['outbound', 'inbound'])
})

type Known = ReturnType<typeof placeOf>

function placeOf(host: TestHost) {
  return { seed: host.seed, peer: host.peerId, address: bare(host.address()) }
}

test('a restarted host finds its peers again from its file, without any bootstrap peer', async () => {
  await using hosts = testHosts()
  const file = join(await folder(), 'peers.json')
  const friend = await hosts.start()
  const before = await hosts.start({ peersFile: file })
  await before.connect(friend.address(), IN_TIME)
  await eventually('they have greeted each other', () => before.peers()[0]?.agent !== undefined)
  await before.stop()
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    version: 1,
    peers: [{ peer: friend.peerId, addresses: [bare(friend.address())] }],
  })
  const after = await hosts.start({ peersFile: file }, { seed: before.seed })
  await eventually('it is back', () => after.isConnected(friend.peerId))
  expect(after.discovered().cache).toBe(1)
})

test('a damaged peers file costs nothing but its content', async () => {
  await using hosts = testHosts()
  const file = join(await folder(), 'peers.json')
  await writeFile(file, '{"version":1,"peers":[{"peer":')
  const friend = await hosts.start()
  const host = await hosts.start({ peersFile: file })
  await host.connect(friend.address(), IN_TIME)
  await eventually('they have greeted each other', () => host.peers()[0]?.agent !== undefined)
  await host.stop()
  expect(JSON.parse(await readFile(file, 'utf8')).peers).toHaveLength(1)
})

test('a lost bootstrap peer is dialled again until it is back', async () => {
  await using hosts = testHosts()
  const first = await hosts.start()
  const address = first.address()
  const host = await hosts.start({ bootstrap: [address] })
  await eventually('it is connected', () => host.isConnected(first.peerId))
  await first.stop()
  await eventually('the loss is noticed', () => !host.isConnected(first.peerId))
  await eventually(
    'a dial has failed',
    async () => (await host.metrics.total('dials_total', { outcome: 'failed' })) > 0,
  )
  await hosts.start({ listen: [bare(address)] }, { seed: first.seed })
  await eventually('it is connected again', () => host.isConnected(first.peerId))
  expect(host.changes.map(change => change.connected)).toEqual([true, false, true])
})

test('a denied peer gets no connection, whoever dials', async () => {
  await using hosts = testHosts()
  const denied = await hosts.start()
  const host = await hosts.start({ denyPeers: [denied.peerId] })
  await expect(host.connect(denied.address(), IN_TIME)).rejects.toThrow()
  await denied.connect(host.address(), IN_TIME).catch(() => {})
  await eventually('the connection is gone', () => !denied.isConnected(host.peerId))
  expect(host.peers()).toEqual([])
  expect(host.changes).toEqual([])
})

test('peers behind one address are all let in', async () => {
  await using hosts = testHosts()
  const hub = await hosts.start()
  const others = await Promise.all(Array.from({ length: 14 }, () => hosts.start()))
  await Promise.all(others.map(host => host.connect(hub.address(), IN_TIME)))
  await eventually('all are on the topic', () => hub.subscribers(TOPIC) === others.length)
  // A peer whose subscription came a moment ago may miss the first message: our stream to it is still opening.
  let said = 0
  await eventually('all hear the hub', async () => {
    await hub.publish(TOPIC, text(`welcome ${said++}`))
    return others.every(host => host.heard.length > 0)
  })
})

test('a peer nobody can dial is reached through a relay it found by itself', async () => {
  await using hosts = testHosts()
  const relay = await hosts.start({ relayServer: true })
  const options = { relayClient: true, bootstrap: [relay.address()] }
  const hidden = await hosts.start({ ...options, listen: [] })
  const relayed = () => hidden.addresses().find(address => address.includes('/p2p-circuit'))
  await eventually('it has a place at the relay', relayed)
  const asker = await hosts.start(options)
  await asker.connect(relayed() ?? '', IN_TIME)
  const answer = await asker.request(hidden.peerId, ECHO, text('behind a wall'), IN_TIME)
  expect(Buffer.from(answer).toString()).toBe('behind a wall')
  expect(asker.peers().find(view => view.peer === hidden.peerId)?.relayed).toBe(true)
})

test('a peer dials back, and says where it reached us', async () => {
  await using hosts = testHosts()
  const [asker, friend] = [await hosts.start(), await hosts.start()]
  expect(await asker.dialBack(5_000)).toMatchObject({ reachable: false, asked: 0 })
  await asker.connect(friend.address(), IN_TIME)
  const result = await asker.dialBack(5_000)
  expect(result).toMatchObject({ reachable: true, asked: 1 })
  expect(result.address).toContain(bare(asker.address()))
  expect(asker.reachability()).toMatchObject({ status: 'public', dialBack: { reachable: true } })
  expect(await asker.dialBack(5_000)).toMatchObject({ reachable: false, reason: 'you asked a moment ago' })
})

test('a peer that listens nowhere is told that it cannot be reached', async () => {
  await using hosts = testHosts()
  const [asker, friend] = [await hosts.start({ listen: [] }), await hosts.start()]
  await asker.connect(friend.address(), IN_TIME)
  expect(await asker.dialBack(5_000)).toMatchObject({ reachable: false, asked: 1 })
  expect(asker.reachability().status).toBe('private')
})

test('a port in use is named, with what to do', async () => {
  await using hosts = testHosts()
  const address = bare((await hosts.start()).address())
  const error = await hosts.start({ listen: [address] }).catch((e: unknown) => e)
  expect(error).toMatchObject({
    code: 'NET_PORT_IN_USE',
    message: `port ${address.split('/').at(-1)} is in use by another program`,
    hint: expect.stringContaining('another port'),
  })
})

test.for([
  ['a listen address that is none', { listen: ['127.0.0.1:4747'] }, 'NET_BAD_ADDRESS'],
  ['a bootstrap address without a peer id', { bootstrap: ['/ip4/127.0.0.1/tcp/1'] }, 'NET_BAD_ADDRESS'],
  ['a pre-shared key that is none', { presharedKey: text('secret') }, 'NET_BAD_KEY'],
  ['an address of another machine', { listen: ['/ip4/192.0.2.1/tcp/0'] }, 'NET_LISTEN_FAILED'],
] as const)('%s is a clear error', async ([, options, code]) => {
  await using hosts = testHosts()
  expect(codeOf(await hosts.start(options).catch((e: unknown) => e))).toBe(code)
})

test('only those who hold the same key can connect', async () => {
  await using hosts = testHosts()
  const key = (digit: string) => text(`/key/swarm/psk/1.0.0/\n/base16/\n${digit.repeat(64)}\n`)
  const [inside, alike] = [await hosts.start({ presharedKey: key('a') }), await hosts.start({ presharedKey: key('a') })]
  const [stranger, open] = [await hosts.start({ presharedKey: key('b') }), await hosts.start()]
  await alike.connect(inside.address(), IN_TIME)
  await expect(stranger.connect(inside.address(), IN_TIME)).rejects.toThrow()
  await expect(open.connect(inside.address(), IN_TIME)).rejects.toThrow()
  expect(inside.peers().map(view => view.peer)).toEqual([alike.peerId])
})

function bare(address: string): string {
  return address.replace(/\/p2p\/.*/, '')
}

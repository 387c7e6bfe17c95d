import { expect, test, vi } from 'vitest'
import { createLan, type Machine, namespacesMissing, setCable } from '../support/namespaces.ts'
import { networkChildren } from '../support/network-children.ts'
import { eventually } from '../support/network-hosts.ts'

vi.setConfig({ testTimeout: 90_000 })

const missing = namespacesMissing()
const testOnLan = test.skipIf(missing !== undefined)
const ON_LAN = missing === undefined ? '' : ` (skipped: ${missing})`

const ANYWHERE = { listen: ['/ip4/0.0.0.0/tcp/4747'] }

testOnLan(`two machines on a bridge find each other by mDNS alone, again after a pulled cable${ON_LAN}`, async () => {
  using lan = createLan(2)
  await using children = networkChildren()
  const [here, there] = lan.machines as [Machine, Machine]
  const options = { ...ANYWHERE, mdns: true }
  const [one, two] = [await children.start(here, options), await children.start(there, options)]
  await eventually('they are connected', () => one.connected.has(two.peer) && two.connected.has(one.peer))
  expect(one.addresses).toEqual([`/ip4/${here.address}/tcp/4747/p2p/${one.peer}`])

  await eventually('they share the topic', async () => (await one.state()).subscribers === 1)
  one.publish('hello neighbour')
  await eventually('the neighbour hears it', () => two.heard.includes('hello neighbour'))

  setCable(there, 'down')
  await eventually('the loss is noticed', () => !one.connected.has(two.peer), 75_000)
  setCable(there, 'up')
  await eventually('they are connected again', () => one.connected.has(two.peer))
})

testOnLan(`three machines that know only a bootstrap peer talk on after it is killed${ON_LAN}`, async () => {
  using lan = createLan(4)
  await using children = networkChildren()
  const [first, ...others] = lan.machines as [Machine, Machine, Machine, Machine]
  const bootstrap = await children.start(first, { ...ANYWHERE, dht: 'server' })
  const options = { ...ANYWHERE, dht: 'server', bootstrap: bootstrap.addresses } as const
  const peers = await Promise.all(others.map(machine => children.start(machine, options)))
  const met = () => peers.every(one => peers.every(other => one === other || one.connected.has(other.peer)))
  await eventually('everybody is connected to everybody', met, 30_000)

  await bootstrap.kill()
  await eventually('the bootstrap peer is missed', () => peers.every(peer => !peer.connected.has(bootstrap.peer)))
  for (const peer of peers) {
    await eventually('they share the topic', async () => (await peer.state()).subscribers === 2)
  }
  peers[0]?.publish('still here')
  await eventually('the others hear it', () => peers.slice(1).every(peer => peer.heard.includes('still here')))
})

import { start } from 'smoldot'
import { expect, test, vi } from 'vitest'
import { eventually, testHosts } from '../support/network-hosts.ts'

vi.setConfig({ testTimeout: 60_000 })

test('a libp2p written by strangers connects over TCP, noise and yamux, and gets its pings answered', async () => {
  await using hosts = testHosts()
  const host = await hosts.start()
  const said: string[] = []
  // smoldot, in Rust, comes with its own libp2p; it dials the bootstrap nodes of the chain it is told to follow.
  const client = start({ maxLogLevel: 4, logCallback: (_level, _target, message) => said.push(message) })
  try {
    await client.addChain({ chainSpec: chainSpec(host.address()) })
    await eventually('the stranger is connected', () => host.peers().length === 1)
    expect(host.peers()[0]).toMatchObject({ direction: 'inbound', relayed: false })
    await eventually('the stranger shook hands', () => said.some(line => line.startsWith('handshake-finished')))
    await eventually('its ping is answered', () =>
      said.some(line => line.startsWith('pong') && line.includes(host.peerId)),
    )
    await eventually('it was asked who it is', () => said.some(line => line.startsWith('identify-request-received')))
    expect(host.isConnected(host.peers()[0]?.peer ?? host.peerId)).toBe(true)
  } finally {
    await client.terminate()
  }
})

/** The smallest chain smoldot accepts: a genesis block whose runtime only tells its version. */
function chainSpec(bootNode: string): string {
  const code = `0x${emptyRuntime().toString('hex')}`
  return JSON.stringify({
    name: 'Stranger',
    id: 'stranger',
    chainType: 'Local',
    bootNodes: [bootNode],
    protocolId: 'stranger',
    // The key spells `:code`.
    genesis: { raw: { top: { '0x3a636f6465': code }, childrenDefault: {} } },
  })
}

/** A WebAssembly module of one memory and the two custom sections Substrate reads a runtime's version from. */
function emptyRuntime(): Buffer {
  const section = (id: number, ...body: number[]) => [id, body.length, ...body]
  const name = (text: string) => [text.length, ...Buffer.from(text)]
  const scaleText = (text: string) => [text.length << 2, ...Buffer.from(text)]
  const one = [1, 0, 0, 0]
  const version = [...scaleText('stranger'), ...scaleText('none'), ...one, ...one, ...one, 0, ...one, 1]
  return Buffer.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(5, 1, 0, 2),
    ...section(6, 1, 0x7f, 0, 0x41, 0x80, 8, 0x0b),
    ...section(7, 2, ...name('memory'), 2, 0, ...name('__heap_base'), 3, 0),
    ...section(0, ...name('runtime_version'), ...version),
    ...section(0, ...name('runtime_apis')),
  ])
}

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { type Bootstrap, openBootstrap } from '../../bootstrap/bootstrap.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { eventually, TOPIC, testHosts, text } from '../support/network-hosts.ts'

vi.setConfig({ testTimeout: 30_000 })

test('a bootstrap peer makes two strangers neighbours, and is the same peer after a restart', async () => {
  await using hosts = testHosts()
  await using home = await temporaryFolder()
  const first = await started(home.path)
  const options = { dht: 'server', bootstrap: first.addresses() } as const
  const [one, two] = [await hosts.start(options), await hosts.start(options)]
  await eventually('they are connected', () => one.isConnected(two.peerId))
  await first.stop()

  const again = await started(home.path, first.addresses())
  expect(again.peerId).toBe(first.peerId)
  await again.stop()
  expect((await stat(join(home.path, 'identity.json'))).mode & 0o777).toBe(0o600)
})

test('adverts travel over a bootstrap peer between peers that know only it, unless it rejects them', async () => {
  await using hosts = testHosts()
  await using home = await temporaryFolder()
  let rejects = false
  const first = await started(home.path, undefined, advert => rejects && advert.startsWith('forged'))
  const [one, two] = [await hosts.start(), await hosts.start()]
  for (const host of [one, two]) await host.connect(first.addresses()[0] ?? '', { timeoutMs: 5_000 })
  await eventually('they share the topic', () => one.subscribers(TOPIC) === 1 && two.subscribers(TOPIC) === 1)
  const heard = (beginning: string): boolean => two.heard.some(message => message.text.startsWith(beginning))
  // The bootstrap peer may hear it before it knows of the other one's subscription: say it until it is heard.
  let said = 0
  await eventually('a forged advert arrives, for nobody has rejected it', async () => {
    await one.publish(TOPIC, text(`forged, and believed ${said++}`))
    return heard('forged, and believed')
  })
  rejects = true
  await one.publish(TOPIC, text('forged, and rejected'))
  await one.publish(TOPIC, text('the last one'))
  await eventually('the last one arrives', () => heard('the last one'))
  expect(heard('forged, and rejected')).toBe(false)
  await first.stop()
})

async function started(
  home: string,
  listen: readonly string[] = ['/ip4/127.0.0.1/tcp/0'],
  rejects: (advert: string) => boolean = () => false,
): Promise<Bootstrap> {
  const bootstrap = await openBootstrap({
    options: {
      home,
      network: 'test',
      announce: [],
      peers: [],
      maxConnections: 50,
      listen: listen.map(address => address.replace(/\/p2p\/.*/, '')),
    },
    onGossip: async (_topic, bytes) => (rejects(Buffer.from(bytes).toString()) ? 'reject' : 'accept'),
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    metrics: createMetrics(),
  })
  await bootstrap.start()
  return bootstrap
}

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'wattmesh-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

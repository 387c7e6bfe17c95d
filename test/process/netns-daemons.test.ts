import { expect, test, vi } from 'vitest'
import { type MachineProcess, machineProcesses } from '../support/namespace-daemons.ts'
import { createLan, type Machine, namespacesMissing } from '../support/namespaces.ts'
import { eventually } from '../support/network-hosts.ts'

vi.setConfig({ testTimeout: 120_000 })

const missing = namespacesMissing()
const testOnLan = test.skipIf(missing !== undefined)
const ON_LAN = missing === undefined ? '' : ` (skipped: ${missing})`

interface PeerRow {
  readonly name?: string
  readonly connected?: object
}

async function connectedNames(daemon: MachineProcess): Promise<string[]> {
  const peers = await daemon.ask<PeerRow[]>('peers')
  return peers.flatMap(peer => (peer.connected === undefined || peer.name === undefined ? [] : [peer.name])).sort()
}

async function trade(seller: MachineProcess, buyer: MachineProcess): Promise<void> {
  await seller.ask('trade', 'sell', '2kWh')
  await eventually('the offer has arrived', async () => (await buyer.ask<unknown[]>('trade', 'search')).length > 0)
  await buyer.ask('trade', 'buy', '500Wh')
  const [bought] = await buyer.ask<{ transactionId: string; state: string; contract: unknown }[]>('trade', 'list')
  const sold = await seller.ask<{ transactionId: string; contract: unknown }[]>('trade', 'list')
  expect(bought?.state).toBe('active')
  expect(sold.find(one => one.transactionId === bought?.transactionId)?.contract).toEqual(bought?.contract)
}

testOnLan(`two daemons on a bridge find each other by mDNS alone, and trade${ON_LAN}`, async () => {
  using lan = createLan(2)
  await using processes = machineProcesses()
  const [here, there] = lan.machines as [Machine, Machine]
  const sunny = await processes.daemon(here, '--name', 'sunny')
  const dim = await processes.daemon(there, '--name', 'dim')
  await eventually('they know each other', async () => (await connectedNames(dim)).includes('sunny'), 30_000)
  await eventually('both ways', async () => (await connectedNames(sunny)).includes('dim'), 30_000)
  await trade(sunny, dim)
})

testOnLan(`three daemons that know only a bootstrap node trade on after it is killed${ON_LAN}`, async () => {
  using lan = createLan(4)
  await using processes = machineProcesses()
  const [first, ...others] = lan.machines as [Machine, Machine, Machine, Machine]
  const bootstrap = await processes.bootstrap(first)
  const alone = ['--set', 'network.mdns=false', '--bootstrap', bootstrap.addresses[0] ?? '']
  const daemons = await Promise.all(
    others.map((machine, i) => processes.daemon(machine, '--name', `peer-${i}`, ...alone)),
  )
  const everybody = async () =>
    (await Promise.all(daemons.map(connectedNames))).every(
      names => names.filter(name => name.startsWith('peer-')).length === 2,
    )
  await eventually('everybody knows everybody', everybody, 60_000)

  await bootstrap.kill()
  const [one, two, three] = daemons as [MachineProcess, MachineProcess, MachineProcess]
  await trade(one, two)
  await trade(three, one)
})

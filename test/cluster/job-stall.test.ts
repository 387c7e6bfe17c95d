import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { eventually } from '../support/network-hosts.ts'
import { meet, testNodes } from '../support/nodes.ts'
import { openStallingProxy } from '../support/stalling-proxy.ts'

vi.setConfig({ testTimeout: 120_000 })

const prose = readFileSync(fileURLToPath(new URL('../../node_modules/zod/README.md', import.meta.url)), 'utf8')
const documents = [
  { name: 'long', text: Array.from({ length: 200 }, (_, i) => `# Part ${i}\n\n${prose}`).join('\n\n') },
]
const job = { kind: 'chunk', params: { maxTokens: 64 }, documents, privacy: 'public', verify: 'none' } as const
/** As if somebody waited less long than at home. */
const TEMPO = { 'compute.leaseMs': 3_000, 'compute.heartbeatMs': 500 }

test.each([
  { what: 'an assignment', way: 'to client', afterBytes: 20_000 },
  { what: 'a result', way: 'to server', afterBytes: 1_000 },
] as const)(
  '$what that stalls half-way costs a lease and no more: others do the work, and each part is accepted once',
  async ({ way, afterBytes }) => {
    await using nodes = testNodes()
    const boss = await nodes.start('boss', TEMPO)
    const worker = { ...TEMPO, roles: ['compute'] }
    const [steady, stuck] = [await nodes.start('steady', worker), await nodes.start('stuck', worker)]
    await using proxy = await openStallingProxy(await boss.address())
    await stuck.peers.connect({ address: proxy.address })
    await meet(boss, steady)
    const isKnown = async () =>
      (await boss.peers.peers()).some(({ peer, zone }) => peer === stuck.peerId && zone !== undefined)
    await eventually('the boss knows the one behind the proxy', isKnown)

    const { id } = await boss.tasks.submit(job)
    const parts = async () => (await boss.tasks.job({ id })).parts
    await eventually('it has a part', async () =>
      (await parts()).some(part => part.leases.some(lease => lease.worker === stuck.peerId)),
    )
    const begunMs = Date.now()
    proxy.stall(way, afterBytes)
    await eventually('the job has ended', async () => (await boss.tasks.progress({ id })).state !== 'running', 60_000)
    expect(proxy.stalled()).toBe(true)
    expect(await boss.tasks.job({ id })).toMatchObject({ state: 'done' })
    expect((await parts()).every(({ accepted }) => accepted === 1)).toBe(true)
    const lost = (await parts()).filter(({ tried, worker: by }) => tried.includes(stuck.peerId) && by !== stuck.peerId)
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.every(({ releaseMs = 0 }) => releaseMs <= 15_000)).toBe(true)
    expect(Date.now() - begunMs).toBeLessThan(30_000)
  },
)

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { workReceiptIsGood } from '../../src/domains/tasks/proof/receipt.ts'
import { peerText } from '../../src/kernel/ids.ts'
import { verifySignature } from '../../src/protocol/keys.ts'
import { eventually } from '../support/network-hosts.ts'
import { meet, type TestNode, testNodes } from '../support/nodes.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Real prose, as long as it takes to make the job last. */
function documents() {
  const read = (path: string) =>
    readFileSync(fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url)), 'utf8')
  const text = [read('zod/README.md'), read('fastify/README.md'), read('commander/Readme.md')].join('\n\n')
  return [
    { name: 'long', text: Array.from({ length: 12 }, (_, i) => `# Part ${i}\n\n${text}`).join('\n\n') },
    { name: 'short', text },
  ]
}

const job = { kind: 'chunk', params: { maxTokens: 64 }, privacy: 'public' } as const

async function finished(node: TestNode, id: string): Promise<unknown> {
  await eventually('the job has ended', async () => (await node.tasks.progress({ id })).state !== 'running', 90_000)
  expect(await node.tasks.job({ id })).toMatchObject({ state: 'done' })
  const lines: unknown[] = []
  for await (const line of node.tasks.result({ id })) lines.push(line)
  return lines
}

test('a job over two workers, of which one stops and hands its work back, gives the result that one worker alone gives', async () => {
  await using nodes = testNodes()
  const worker = { roles: ['compute'] }
  const [boss, one, two] = [
    await nodes.start('boss'),
    await nodes.start('one', worker),
    await nodes.start('two', worker),
  ]

  // Alone first: a peer that has nobody does its work itself.
  const alone = await boss.tasks.submit({ ...job, documents: documents() })
  const expected = await finished(boss, alone.id)
  const own = await boss.tasks.job({ id: alone.id })
  expect(own.parts.every(({ tried }) => tried.every(peer => peer === boss.peerId))).toBe(true)
  expect(await boss.tasks.receipts({ id: alone.id })).toEqual([])

  await meet(boss, one, two)
  const shared = await boss.tasks.submit({ ...job, verify: 'none', documents: documents() })
  const parts = async () => (await boss.tasks.job({ id: shared.id })).parts
  await eventually('a part is done, and the second worker holds one', async () => {
    const now = await parts()
    const held = now.some(part => part.state === 'leased' && part.worker === two.peerId)
    return held && now.some(({ state }) => state === 'done')
  })
  await nodes.stop(two)

  expect(await finished(boss, shared.id)).toEqual(expected)
  const ended = await parts()
  const how = (what: string) => ended.filter(({ steps }) => steps.some(({ text }) => text.includes(what)))
  const returned = how(`${peerText(two.peerId)} gave it back: this machine stops`)
  expect(returned.length).toBeGreaterThan(0)
  expect(returned.every(part => part.worker === one.peerId)).toBe(true)
  expect(how('was lost')).toEqual([])
  expect(ended.every(({ accepted, state }) => accepted === 1 && state === 'done')).toBe(true)
})

test('results of strangers are checked until they have a record, and both sides hold the same good receipts', async () => {
  await using nodes = testNodes()
  const [boss, worker] = [await nodes.start('boss'), await nodes.start('worker', { roles: ['compute'] })]
  await meet(boss, worker)
  const { id } = await boss.tasks.submit({ ...job, documents: documents() })
  await finished(boss, id)
  const theirs = (await boss.tasks.job({ id })).parts.filter(part => part.worker === worker.peerId)
  const reputation = (await boss.tasks.reputation()).find(({ peer }) => peer === worker.peerId)
  expect(reputation).toMatchObject({ kind: 'chunk@1', wrong: 0 })
  expect(reputation?.consecutive).toBeGreaterThanOrEqual(10)
  const receipts = await boss.tasks.receipts({ id })
  const verify = (peer: string, text: string, signature: string) => verifySignature(peer, text, signature) === true
  expect(receipts.length).toBeGreaterThanOrEqual(theirs.length)
  expect(receipts.every(receipt => workReceiptIsGood(receipt, verify))).toBe(true)
  expect(receipts.every(({ claim }) => claim.energyMicroWh > 0 || claim.busyMs === 0)).toBe(true)
  const kept = async () => (await worker.tasks.receipts({ id })).length
  await eventually('the worker has them too', async () => (await kept()) === receipts.length)
})

test('a job cancelled while workers are at it leaves nothing on their desks', async () => {
  await using nodes = testNodes()
  const [boss, worker] = [await nodes.start('boss'), await nodes.start('worker', { roles: ['compute'] })]
  await meet(boss, worker)
  const { id } = await boss.tasks.submit({ ...job, documents: documents() })
  await eventually('the worker is at it', async () => (await worker.daemon.status()).work.open > 0)
  await boss.tasks.cancel({ id })
  const cancelled = await boss.tasks.progress({ id })
  expect(cancelled.state).toBe('cancelled')
  await eventually('the desk is empty', async () => (await worker.daemon.status()).work.open === 0)
  const { counts } = await boss.tasks.progress({ id })
  expect(counts).not.toHaveProperty('leased')
  expect(counts).not.toHaveProperty('queued')
})

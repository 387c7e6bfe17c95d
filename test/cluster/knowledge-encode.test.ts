import { mkdirSync, writeFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import type { AccessGiven, AskAnswer, IngestJobAnswer } from '../../src/domains/knowledge/commands.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { eventually } from '../support/network-hosts.ts'
import { meet, type TestNode, testNodes } from '../support/nodes.ts'
import { scratch } from '../support/storm.ts'
import { writeTinyModel } from '../support/tiny-model.ts'

vi.setConfig({ testTimeout: 120_000 })

const FILES = 12
/** Those the model knows. */
const WORDS = ['a', 'first', 'text', 'sun', 'roof', 'suns', 'roofs']

/** What was found, but for those that share the last rank: which of them still is shown depends on who came first. */
function ranked({ passages }: AskAnswer): string[] {
  const rounded = (score: number) => Math.round(score * 1e4)
  const last = rounded(passages.at(-1)?.score ?? 0)
  return passages
    .flatMap(({ name, start, score }) => (rounded(score) > last ? [`${name} ${start} ${rounded(score)}`] : []))
    .sort()
}

/** Each file takes four parts of work. */
function writePapers(folder: string): void {
  mkdirSync(folder)
  const random = seededRandom(7)
  const word = () => WORDS[Math.floor(random() ** 2 * WORDS.length)] ?? ''
  for (let file = 0; file < FILES; file++) {
    const paragraphs = Array.from({ length: 70 }, () => Array.from({ length: 120 }, word).join(' '))
    writeFileSync(`${folder}/${file}.txt`, paragraphs.join('\n\n'))
  }
}

async function ingested(
  node: TestNode,
  paths: string[],
  collection: string,
  access: AccessGiven,
): Promise<IngestJobAnswer> {
  const { id } = await node.knowledge.ingest({ paths, collection, access })
  const look = () => node.knowledge.reading({ id })
  await eventually('the reading has ended', async () => (await look()).finishedMs !== undefined, 90_000)
  const job = await look()
  expect(job).toMatchObject({ state: 'done', added: FILES })
  return job
}

const offers = async (node: TestNode) => (await node.daemon.messages({ type: 'task.offer' })).length

test('peers that may read a collection encode a part of it as its owner would, and of a private one they hear nothing', async () => {
  using folder = scratch()
  const papers = folder.path('papers')
  writePapers(papers)
  writeTinyModel(folder.path('model'), { maxTokens: 512 })
  const model = { 'embedder.source': 'folder', 'embedder.folder': folder.path('model') }
  await using nodes = testNodes()
  const worker = { ...model, roles: ['compute'] }
  const [owner, ann, ben] = [
    await nodes.start('owner', model),
    await nodes.start('ann', worker),
    await nodes.start('ben', worker),
  ]
  await meet(owner, ann, ben)
  // Who does not know its own model yet finds out before it bids; with so little to read, that would be too late.
  const task = { kind: 'embed', params: { maxTokens: 110 }, documents: [{ name: 'sun', text: 'sun' }] }
  for (const { tasks } of [ann, ben]) await tasks.submit(task)

  const alone = await ingested(owner, [papers], 'closed', { to: 'nobody' })
  expect(alone.byPeers).toEqual([])
  expect(await Promise.all([owner, ann, ben].map(offers))).toEqual([0, 0, 0])

  const shared = await ingested(owner, [papers], 'some', { to: 'peers', peers: [ben.peerId] })
  expect(shared.byPeers.map(({ peer }) => peer)).toEqual([ben.peerId])
  expect(await offers(ann)).toBe(0)

  const open = await ingested(owner, [papers], 'open', { to: 'everybody' })
  const byPeers = open.byPeers.reduce((sum, { passages }) => sum + passages, 0)
  expect(byPeers).toBeGreaterThan(0)
  expect(byPeers).toBeLessThan(open.passages)
  expect(await offers(ann)).toBeGreaterThan(0)

  for (const question of ['sun', 'roof', 'the first roof in the sun']) {
    const found = await Promise.all(
      ['closed', 'some', 'open'].map(collection => owner.knowledge.ask({ question, top: 20, collection, local: true })),
    )
    const [closed, ...others] = found.map(ranked)
    expect(closed?.length).toBeGreaterThan(0)
    for (const other of others) expect(other).toEqual(closed)
  }
  expect(open.passages).toBe(alone.passages)
  expect(await owner.tasks.jobs()).toEqual([])
  await eventually('the desks are empty', async () => {
    const open = await Promise.all([ann, ben].map(async ({ daemon }) => (await daemon.status()).work.open))
    return open.every(count => count === 0)
  })
})

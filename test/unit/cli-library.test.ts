import { expect, test } from 'vitest'
import { openFakeDaemon } from '../support/fake-daemon.ts'
import { JOB } from '../support/whole-answers.ts'

const READ = {
  id: 'i-1',
  collection: 'papers',
  state: 'done',
  createdMs: 1,
  finishedMs: 2,
  files: 3,
  bytes: 9,
  done: 3,
  doneBytes: 9,
  added: 3,
  changed: 0,
  unchanged: 0,
  removed: 0,
  skipped: 0,
  passages: 830,
  reasons: [],
}

async function ingested(byPeers: readonly { peer: string; passages: number }[], ...more: string[]) {
  const job = { ...READ, byPeers }
  await using daemon = await openFakeDaemon({ 'POST /v1/ingest': job, 'GET /v1/ingest/i-1': job })
  return await daemon.run('ingest', '.', ...more)
}

test('ingest says how many passages peers have encoded, and by whom to programs', async () => {
  const ann = { peer: 'ann', passages: 200 }
  const ben = { peer: 'ben', passages: 12 }
  expect((await ingested([ann, ben])).out).toContain('papers: 3 new, 830 passages, 212 of them by 2 peers\n')
  expect((await ingested([ann])).out).toContain('830 passages, 200 of them by a peer\n')
  expect((await ingested([])).out).toContain('papers: 3 new, 830 passages\n')
  expect(JSON.parse((await ingested([ann, ben], '--json')).out)).toMatchObject({ byPeers: [ann, ben] })
})

test('a list of jobs names the first text of each, and of a long name the end', async () => {
  const job = { ...JOB, total: 4, state: 'running' }
  const jobs = [
    { ...job, name: 'papers/pump.md' },
    { ...job, name: `papers/${'deep/'.repeat(9)}pump.md` },
  ]
  await using daemon = await openFakeDaemon({ 'GET /v1/jobs': jobs })
  const { out } = await daemon.run('task', 'list')
  expect(out).toMatch(/ papers\/pump\.md +4 /)
  expect(out).toMatch(/ …(\w*\/)+pump\.md +4 /)
})

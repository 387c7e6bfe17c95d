import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openClient } from '../../src/api/client.ts'
import { chunk } from '../../src/domains/knowledge/kinds/chunk.ts'
import { type ResultLineAnswer, type SubmittedJobAnswer, tasksCommands } from '../../src/domains/tasks/commands.ts'
import { UNDONE_TASKS } from '../../src/domains/tasks/states.ts'
import { tasksDomain } from '../../src/domains/tasks/tasks.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { cliBench } from '../support/cli-daemons.ts'
import { eventually } from '../support/network-hosts.ts'
import { FLAGS, testNodes } from '../support/nodes.ts'
import { openStoreOf } from '../support/open-domain.ts'
import { seedOf } from '../support/storm.ts'

const MIN_KILLS = 8
const MAX_KILLS = 24
const TEMPO = { 'compute.leaseMs': 5_000, 'compute.heartbeatMs': 500 }
const SETTINGS = Object.entries({ ...TEMPO, 'network.name': FLAGS['network.name'], 'manners.sensors': false }).flatMap(
  ([name, value]) => ['--set', `${name}=${value}`],
)

const prose = readFileSync(fileURLToPath(new URL('../../node_modules/zod/README.md', import.meta.url)), 'utf8')
/** Many and short: what takes time is to keep them. */
const documents = Array.from({ length: 600 }, (_, i) => ({
  name: `text ${i}`,
  text: `# ${i}\n\n${prose.slice(0, 1_500)}`,
}))
const params = { maxTokens: 64 }
const request = { kind: 'chunk', params, documents, privacy: 'public', verify: 'none' } as const
const parts = documents.flatMap(({ name, text }) => [...chunk.split({ name, text }, params)])

test('a submitter killed at any moment goes on with what it was taking in and giving out: each part once, each result whole', async () => {
  await using bench = cliBench()
  await using nodes = testNodes()
  const random = seededRandom(seedOf('kill submitter'))
  const worker = await nodes.start('worker', { ...TEMPO, roles: ['compute'] })
  const home = bench.home('boss')
  const tasks = () => openClient(home).of(tasksCommands)
  const submit = (key: string) => tasks().submit({ ...request, key })
  /** Its texts are kept: being split, or just split. */
  const isKnown = async (key: string) => (await tasks().jobs()).some(job => job.key === key)
  const found = { opening: 0, running: 0 }
  const keys: string[] = []

  for (let kill = 0; kill < MIN_KILLS || Math.min(found.opening, found.running) < 2; kill++) {
    expect(kill, `found ${JSON.stringify(found)} only`).toBeLessThan(MAX_KILLS)
    const daemon = await bench.start(home, SETTINGS)
    await worker.peers.connect({ address: daemon.address })
    const key = `job ${kill}`
    keys.push(key)
    const answered = submit(key).then(
      () => 'answered',
      () => 'cut off',
    )
    // While its texts are split, or at any moment after.
    if (kill % 2 === 0) await answered
    else await eventually('it is being taken in', () => isKnown(key))
    await sleep(random() * (kill % 2 === 0 ? 500 : 30))
    await daemon.end('SIGKILL')
    await answered
    const left = leftOf(home)
    found.opening += left.opening
    found.running += left.running
  }

  const last = await bench.start(home, SETTINGS)
  await worker.peers.connect({ address: last.address })
  // Who got no answer asks again under the same key, and gets the job there is.
  const jobs: SubmittedJobAnswer[] = []
  for (const key of keys) jobs.push(await submit(key))
  const all = await tasks().jobs({ limit: 1_000 })
  expect(all.map(({ id }) => id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted())
  const states = async () => {
    const now = await tasks().jobs({ limit: 1_000 })
    return now.map(({ state, reason }) => (reason === undefined ? state : `${state}: ${reason}`))
  }
  await eventually(
    'every job has ended',
    async () => {
      // Asked all the time, it would do little else than answer.
      await sleep(500)
      return (await states()).every(state => !/opening|running/.test(state))
    },
    240_000,
  )
  expect(new Set(await states())).toEqual(new Set(['done']))

  const results = new Set<string>()
  for (const { id } of jobs) {
    const view = await tasks().job({ id, limit: 100_000 })
    expect(view.total).toBe(parts.length)
    expect(view.parts.map(({ index, accepted }) => [index, accepted])).toEqual(parts.map((_, index) => [index, 1]))
    results.add(await digestOf(tasks().result({ id })))
  }
  expect(results.size).toBe(1)
  console.log(`kill submitter: ${keys.length} kills, jobs found opening ${found.opening}, running ${found.running}`)
}, 400_000)

/** What the dead left: jobs with some of their parts made, and jobs with some of them done. */
function leftOf(home: string): { opening: number; running: number } {
  const storage = openStorage(join(home, 'wattmesh.db'), { clock: systemClock, metrics: createMetrics() })
  try {
    const { read: tasks } = openStoreOf(tasksDomain, storage)
    const begun = tasks.jobsInState('opening').filter(({ id }) => tasks.openTasks(id) > 0)
    const running = tasks.jobsInState('running').filter(({ id }) => tasks.openTasks(id) > 0)
    for (const { id } of running)
      expect(UNDONE_TASKS.map(state => tasks.taskCounts(id)[state] ?? 0)).toEqual([0, 0, 0, 0])
    return { opening: begun.length, running: running.length }
  } finally {
    storage.stop()
  }
}

/** Of a result that covers every text from its first to its last letter. */
async function digestOf(rows: AsyncIterable<ResultLineAnswer>): Promise<string> {
  const hash = createHash('sha256')
  const covered = new Map(documents.map(({ name }) => [name, 0]))
  for await (const row of rows) {
    if (!('index' in row)) throw new TypeError('chunks are told one by one')
    expect(row.start).toBe(covered.get(row.document))
    covered.set(row.document, row.end ?? 0)
    hash.update(JSON.stringify(row))
  }
  expect([...covered.values()]).toEqual(documents.map(({ text }) => text.length))
  return hash.digest('hex')
}

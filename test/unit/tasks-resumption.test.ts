import { expect, test } from 'vitest'
import { createResumption } from '../../src/domains/tasks/resumption.ts'
import type { TaskFact } from '../../src/domains/tasks/task.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Commit } from '../../src/kernel/outcome.ts'
import { createOffice } from '../support/two-desks.ts'

/** A boss with a large job whose texts a kill left unsplit; each commit waits for its turn. */
function killed() {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const documents = [{ name: 'd', text: Array.from({ length: 1_000 }, (_, i) => `w${i}`).join(' ') }]
  const submission = boss.tasks.submit({ kind: 'shout', params: {}, documents, key: 'k' })
  desk.keep(boss, submission.outcome)
  const commit: Commit<TaskFact> = async decide => {
    await new Promise(setImmediate)
    const decided = decide()
    desk.keep(boss, decided)
    return decided
  }
  const life = () => createResumption({ tasks: boss.tasks, commit, log: silentLog })
  const job = () => boss.store.job(submission.jobId)
  return { desk, boss, life, job, documents }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

test('a start does not wait for the texts that a former life left unsplit, and they are split after it', async () => {
  const { life, job } = killed()
  await life().start()
  expect(job()?.state).toBe('opening')
  await until(() => job()?.state !== 'opening')
  expect(job()).toMatchObject({ state: 'running', total: 1_000, key: 'k' })
})

test('a stop in the midst of splitting waits for the slice at hand; the next start goes on behind it', async () => {
  const { life, job, boss } = killed()
  const first = life()
  await first.start()
  await until(() => boss.store.allOpenTasks() > 0)
  await first.stop()
  const made = boss.store.allOpenTasks()
  expect(made).toBeLessThan(1_000)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(boss.store.allOpenTasks()).toBe(made)
  expect(job()).toMatchObject({ state: 'opening', key: 'k' })
  await life().start()
  await until(() => job()?.state !== 'opening')
  expect(boss.store.tasksOfJob(job()?.id ?? '').map(({ index }) => index)).toEqual([...Array(1_000).keys()])
})

test('a job that is asked for under its key while it is gone on with is that job, in whole', async () => {
  const { desk, life, job, boss, documents } = killed()
  await life().start()
  await until(() => boss.store.allOpenTasks() > 0)
  const again = desk.request(boss, { privacy: undefined as never, documents, key: 'k' })
  expect(again.jobId).toBe(job()?.id)
  await until(() => job()?.state !== 'opening')
  expect(boss.store.tasksOfJob(again.jobId)).toHaveLength(1_000)
})

import { expect, test } from 'vitest'
import { createOffice } from '../support/two-desks.ts'

test('a job is forgotten in slices, itself last, and with nothing of another', () => {
  const desk = createOffice()
  const boss = desk.createPeer('boss', 0)
  const worker = desk.createPeer('worker', 8)
  desk.hire([worker, 8])
  const [gone, kept] = ['a b c', 'd e'].map(text => desk.request(boss, { text, verify: 'none' }).jobId) as [
    string,
    string,
  ]
  for (let round = 0; round < 4; round++) {
    desk.giveOut(boss)
    desk.carry(worker, desk.work(worker))
  }
  desk.tick(boss)
  expect([gone, kept].map(id => boss.store.job(id)?.state)).toEqual(['done', 'done'])
  const tasks = boss.store.tasksOfJob(gone)
  const left = () =>
    tasks.flatMap(({ id, acceptedEpoch = 0 }) =>
      [boss.store.task(id), boss.store.input(id), boss.store.output(id, acceptedEpoch)].filter(
        row => row !== undefined,
      ),
    ).length
  const sizes: number[] = []
  for (sizes.push(left()); boss.store.job(gone) !== undefined; sizes.push(left()))
    boss.apply([{ kind: 'tasks.job.gone', jobId: gone, rows: 4 }])
  // Three tasks with an input and an output each; the last slice has room for the job.
  expect(sizes).toEqual([9, 5, 1, 0])
  expect([boss.store.documents(gone), boss.store.statements(gone)]).toEqual([[], []])
  expect(boss.store.tasksOfJob(kept)).toHaveLength(2)
  expect(boss.store.statements(kept).length).toBeGreaterThan(0)
  const [first] = boss.store.tasksOfJob(kept)
  expect(first !== undefined && desk.output(boss, first)).toBe('D')
})

import { expect, test } from 'vitest'
import type { PeerId, TaskId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createRunner } from '../../src/tasks/runner.ts'
import type { Work } from '../../src/tasks/task.ts'
import { createOwnModel } from '../../src/tasks/workers.ts'
import { fakeClock } from '../support/fake-clock.ts'

const self = 'me' as PeerId

function desk(others: number) {
  const open: Work[] = []
  const begun: string[] = []
  const runner = createRunner({
    ...{ self, openWork: () => open, heartbeatMs: 10_000, clock: fakeClock(), log: silentLog },
    run: ({ taskId }, { signal }) => {
      begun.push(taskId)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
    },
    worked: async () => undefined,
    alive: () => undefined,
    threads: { own: () => 4, others: () => others },
  })
  const put = (taskId: string, submitter: string) =>
    open.push({ taskId, submitter, leaseEpoch: 1, jobId: 'job', kind: 'shout' } as unknown as Work & { taskId: TaskId })
  return { runner, begun, put }
}

test('own work opens no thread for strangers while manners say no', async () => {
  const { runner, begun, put } = desk(0)
  put('theirs', 'stranger')
  put('mine', self)
  await runner.start?.()
  runner.wake()
  expect(begun).toEqual(['mine'])
  await runner.stop?.()
})

test('own work goes first and has all threads; strangers have as many of the rest as manners allow', async () => {
  const { runner, begun, put } = desk(2)
  for (let i = 0; i < 3; i++) put(`theirs-${i}`, 'stranger')
  put('mine', self)
  await runner.start?.()
  expect(begun).toEqual(['mine', 'theirs-0', 'theirs-1'])
  put('mine too', self)
  put('mine as well', self)
  runner.wake()
  expect(begun.slice(3)).toEqual(['mine too'])
  expect(runner.running()).toBe(4)
  await runner.stop?.()
})

test('the own model is known after the first task that took it, and asked for once', async () => {
  let asked = 0
  const model = createOwnModel({
    warm: async () => {
      asked++
      if (asked === 1) throw new Error('no thread')
      return { fingerprint: 'abc', engine: 'onnxruntime-node' }
    },
  })
  model.used('chunk')
  expect(asked).toBe(0)
  expect(model.fingerprints()).toBeUndefined()
  for (let i = 0; i < 3; i++) {
    model.used('embed')
    await new Promise(setImmediate)
  }
  expect(asked).toBe(2)
  expect(model.fingerprints()).toEqual(['abc'])
  expect(model.engines()).toEqual(['onnxruntime', 'onnxruntime-node'])
})

import { expect, test } from 'vitest'
import type { Beat } from '../../src/domains/tasks/messages.ts'
import { createRunner, type RunnerDeps } from '../../src/domains/tasks/runner.ts'
import type { Work, WorkResult } from '../../src/domains/tasks/task.ts'
import type { PeerId, TaskId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { fakeClock, turn } from '../support/fake-clock.ts'

const self = 'me' as PeerId

function desk(others: number, more: Partial<RunnerDeps> = {}) {
  const open: Work[] = []
  const begun: string[] = []
  const runner = createRunner({
    self,
    openWork: () => open,
    heartbeatMs: 10_000,
    clock: fakeClock(),
    log: silentLog,
    run: ({ taskId }, { signal, onStarted }) => {
      begun.push(taskId)
      onStarted()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
    },
    worked: async () => undefined,
    alive: () => undefined,
    leave: async () => undefined,
    threads: { own: () => 4, others: () => others, free: () => 4, queued: () => 0 },
    ...more,
  })
  const put = (taskId: string, submitter: string) =>
    open.push({
      taskId: taskId as TaskId,
      submitter: submitter as PeerId,
      leaseEpoch: 1,
      attempt: 1,
      jobId: 'job',
      kind: 'shout',
      version: 1,
      params: {},
      inputBytes: 1,
      inputHash: '',
      state: 'accepted',
      acceptedMs: 0,
    })
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

test('work of others begins only when a thread is free of what the owner has it do', async () => {
  let free = 1
  const { runner, begun, put } = desk(2, {
    threads: { own: () => 4, others: () => 2, free: () => free, queued: () => 0 },
  })
  for (const name of ['one', 'two']) put(name, 'stranger')
  await runner.start?.()
  expect(begun).toEqual(['one'])
  free = 0
  put('mine', self)
  runner.wake()
  expect(begun).toEqual(['one', 'mine'])
  await runner.stop?.()
})

test('own work goes first where it has all threads or waits for one, and not where strangers have them', async () => {
  let [free, queued] = [2, 0]
  const { runner, put } = desk(2, {
    threads: { own: () => 4, others: () => 2, free: () => free, queued: () => queued },
  })
  await runner.start?.()
  expect(runner.ownFirst()).toBe(false)
  free = 0
  expect(runner.ownFirst()).toBe(true)
  free = 1
  put('theirs', 'stranger')
  runner.wake()
  free = 0
  expect(runner.ownFirst()).toBe(false)
  queued = 1
  expect(runner.ownFirst()).toBe(true)
  await runner.stop?.()
})

test('a task that waits for a thread says so, and its time counts from when a thread took it', async () => {
  const clock = fakeClock()
  const beats: Beat[][] = []
  const kept: WorkResult[] = []
  const ends = Promise.withResolvers<string>()
  let threadTakesIt = (): void => undefined
  const { runner, put } = desk(2, {
    clock,
    run: (_work, { onStarted }) => {
      threadTakesIt = onStarted
      return ends.promise
    },
    alive: said => void beats.push([...said]),
    worked: async results => void kept.push(...results),
  })
  put('mine', self)
  await runner.start?.()
  await clock.advance(10_000)
  expect(beats.at(-1)).toMatchObject([{ taskId: 'mine', waiting: true }])
  expect(runner.running()).toBe(0)
  threadTakesIt()
  await clock.advance(10_000)
  expect(beats.at(-1)).toMatchObject([{ taskId: 'mine', waiting: false }])
  expect(runner.running()).toBe(1)
  ends.resolve('done')
  await turn()
  expect(kept).toMatchObject([{ taskId: 'mine', busyMs: 10_000, result: { output: 'done' } }])
  await runner.stop?.()
})

test('a stop keeps what is finished, and then hands back what is not, without waiting for its thread', async () => {
  const happened: string[] = []
  const [ends, threadEnds] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const disk = Promise.withResolvers<void>()
  const { runner, put } = desk(2, {
    run: ({ taskId }) => (taskId === 'short' ? ends.promise : threadEnds.promise),
    worked: async results => {
      await disk.promise
      for (const { taskId } of results) happened.push(`kept ${taskId}`)
    },
    leave: async submitters => {
      happened.push(`left ${[...submitters].join()}`)
      threadEnds.resolve('too late')
    },
  })
  put('short', 'stranger')
  put('long', 'neighbour')
  put('mine', self)
  await runner.start?.()
  ends.resolve('done')
  await turn()
  const stopped = runner.stop?.()
  disk.resolve()
  await stopped
  expect(happened).toEqual(['kept short', 'left stranger,neighbour'])
})

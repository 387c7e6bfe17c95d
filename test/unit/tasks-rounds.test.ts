import { expect, test } from 'vitest'
import type { TasksNeeds } from '../../src/domains/tasks/context.ts'
import type { Work } from '../../src/domains/tasks/task.ts'
import { tasksDomain } from '../../src/domains/tasks/tasks.ts'
import type { PeerId, TaskId } from '../../src/kernel/ids.ts'
import { type Draft, outcome } from '../../src/kernel/outcome.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import { fakeClock, turn } from '../support/fake-clock.ts'
import { idleNeeds } from '../support/idle-needs.ts'
import { openDomain } from '../support/open-domain.ts'
import { identityNamed } from '../support/senders.ts'
import { ticking } from '../support/ticking.ts'
import { shout } from '../support/two-desks.ts'

const GRACE_MS = 30_000

function workOf(taskId: string, submitter: PeerId, acceptedMs: number): Work {
  return {
    taskId: taskId as TaskId,
    jobId: 'job',
    leaseEpoch: 1,
    attempt: 1,
    submitter,
    kind: 'shout',
    version: 1,
    params: {},
    inputBytes: 1,
    inputHash: '',
    state: 'accepted',
    acceptedMs,
  }
}

/** A worker in whose manners the test has a say, with work of others and of its own on its desk. */
async function worker() {
  const clock = fakeClock()
  const said: { end: { atMs: number; sentence: string } | undefined; holds: boolean[] } = { end: undefined, holds: [] }
  const manners = { giveBackAt: () => said.end, holds: (work: boolean) => void said.holds.push(work) }
  const tasks = await openDomain(tasksDomain, idleNeeds({ manners }), { clock, options: { roles: ['compute'] } })
  const { peer } = tasks
  const ticker = ticking(peer, { name: 'tasks', rounds: tasks.rounds })
  return {
    clock,
    said,
    peer,
    async lies(taskId: string, submitter: PeerId): Promise<void> {
      await peer.storage.write(() =>
        tasks.apply([{ kind: 'tasks.work', work: workOf(taskId, submitter, clock.now()) }]),
      )
      ticker.look()
      await turn()
    },
    async pauses(): Promise<void> {
      said.end = { atMs: clock.now() + GRACE_MS, sentence: 'paused: on battery' }
      ticker.look()
      await turn()
    },
    onDesk: () =>
      tasks.read
        .openWork()
        .map(({ taskId }) => taskId)
        .toSorted(),
    async [Symbol.asyncDispose]() {
      await ticker[Symbol.asyncDispose]()
      peer.close()
    },
  }
}

const boss = 'boss' as PeerId

test('what still runs for others is given back at the end of the grace and not before, and own work stays', async () => {
  await using desk = await worker()
  await desk.lies('theirs', boss)
  await desk.lies('own', desk.peer.self)
  await desk.pauses()
  await desk.clock.advance(GRACE_MS - 1)
  expect([desk.onDesk(), desk.peer.sent]).toEqual([['own', 'theirs'], []])
  await desk.clock.advance(1)
  expect(desk.onDesk()).toEqual(['own'])
  expect(desk.peer.sent).toMatchObject([{ type: 'task.refuse', to: boss }])
  expect(JSON.stringify(desk.peer.sent[0]?.payload)).toContain('paused: on battery')
  await desk.clock.advance(GRACE_MS)
  expect(desk.peer.sent).toHaveLength(1)
})

test('work that comes while the grace runs is given back with the rest, and none when the pause has gone', async () => {
  await using desk = await worker()
  await desk.pauses()
  await desk.clock.advance(GRACE_MS / 2)
  await desk.lies('late', boss)
  desk.said.end = undefined
  await desk.clock.advance(GRACE_MS)
  expect(desk.onDesk()).toEqual(['late'])
  await desk.pauses()
  await desk.clock.advance(GRACE_MS)
  expect(desk.onDesk()).toEqual([])
})

test('manners are told whether work of others lies on the desk; own work is none', async () => {
  await using desk = await worker()
  await desk.lies('own', desk.peer.self)
  expect(desk.said.holds.at(-1)).toBe(false)
  await desk.lies('theirs', boss)
  expect(desk.said.holds.at(-1)).toBe(true)
  await desk.pauses()
  await desk.clock.advance(GRACE_MS)
  expect(desk.said.holds.at(-1)).toBe(false)
})

test('a machine that has just started waits for its neighbours before it does its own work itself', async () => {
  const clock = fakeClock()
  const { gives, peer } = await openDomain(tasksDomain, idleNeeds({}), { clock, options: { roles: ['household'] } })
  using _ = peer
  const whoWorks = (): PeerId[] => gives.workersFor('chunk@1').map(worker => worker.peer)
  await clock.advance(1_999)
  expect(whoWorks()).toEqual([])
  await clock.advance(1)
  expect(whoWorks()).toEqual([peer.self])
})

test('a bid is answered with work at once: what it changes is in memory alone', async () => {
  const clock = fakeClock()
  const { peerId: worker } = identityNamed('worker')
  const needs: TasksNeeds = {
    ...idleNeeds({ kinds: { shout } }),
    workers: () => [{ peer: worker, slots: 4, latencyMs: 1 }],
  }
  const tasks = await openDomain(tasksDomain, needs, { clock, options: { roles: ['household'] } })
  const { peer } = tasks
  using _ = peer
  await using __ = ticking(peer, { name: 'tasks', rounds: tasks.rounds })
  const said = (type: string): Draft[] => peer.sent.filter(draft => draft.type === type)
  await tasks.run.submit(
    { kind: 'shout', params: {}, documents: [{ name: 'a', text: 'hello' }], privacy: 'public' } as never,
    AbortSignal.timeout(1_000),
  )
  await clock.advance(2_000)
  expect(said('task.offer')).toHaveLength(1)
  const bid = { kind: 'shout', version: 1, up_to: 4, until: clock.now() + 60_000, queue: 0, price_class: 0 }
  const { subjectId } = said('task.offer')[0] ?? expect.fail('nobody was asked')
  const envelope = { sender_id: worker, task_id: subjectId } as Envelope
  await peer.commit(() => tasks.messages.get('task.bid')?.handle(envelope, bid) ?? expect.fail('no row for bids'))
  // No time passes.
  await turn()
  expect(said('task.assign')).toMatchObject([{ to: worker }])
})

test('a thread that becomes free while the desk begins other work is not missed', async () => {
  const clock = fakeClock()
  let free = 1
  const begun: string[] = []
  const idle = idleNeeds({ kinds: { shout }, manners: { threads: () => 2 } })
  const needs: TasksNeeds = {
    ...idle,
    threads: {
      ...idle.threads,
      stats: () => ({ free, queued: 0 }),
      run(kind: string) {
        free--
        begun.push(kind)
        return new Promise(() => undefined)
      },
    },
  }
  const options = { roles: ['compute'], 'compute.threads': 2 }
  const tasks = await openDomain(tasksDomain, needs, { clock, options })
  const { peer } = tasks
  using _ = peer
  for (const part of tasks.opened.parts ?? []) await part.start?.()
  await using ticker = ticking(peer, { name: 'tasks', rounds: tasks.rounds })
  const lies = (taskId: string, input: string) =>
    peer.commit(() =>
      outcome([
        { kind: 'tasks.work', work: workOf(taskId, boss, clock.now()), input: JSON.stringify([input]) } as const,
      ]),
    )
  await Promise.all([lies('one', 'one'), lies('other', 'other')])
  await turn()
  expect(begun).toHaveLength(1)
  // What the owner had it do is done; as many are free as before the first began.
  free = 1
  ticker.look()
  await turn()
  expect(begun).toHaveLength(2)
})

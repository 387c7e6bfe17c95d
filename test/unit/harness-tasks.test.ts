import { describe, expect, test } from 'vitest'
import type { Step, Task } from '../../src/domains/tasks/task.ts'
import { spreadOf, taskFigures, taskInvariants } from '../../src/harness/judge/task-figures.ts'
import type { TaskId } from '../../src/kernel/ids.ts'
import { peerText } from '../../src/kernel/ids.ts'

type Part = Pick<Task, 'id' | 'state' | 'attempt' | 'accepted' | 'steps'>

const SELF = 'peer-of-the-submitter'
const VICTIM = 'peer-that-is-killed'
const OTHER = 'peer-that-goes-on'
const ASKED = { kills: 0, killed: 0 }

function part(id: string, more: Partial<Part> = {}): Part {
  return { id: id as TaskId, state: 'done', attempt: 1, accepted: 1, steps: [], ...more }
}

function seen(
  parts: readonly Part[],
  job: { createdMs: number; finishedMs?: number } = { createdMs: 0, finishedMs: 2_000 },
) {
  return { peers: [{ peerId: SELF, jobs: [{ ...job, parts }] }], deaths: [] }
}

/** Given to the one who dies, lost, given to another, done. */
function lostStory(lostMs: number, againMs: number): Step[] {
  return [
    { atMs: 0, text: `given to ${peerText(VICTIM)}, lease 1` },
    { atMs: lostMs, text: `${peerText(VICTIM)} was lost: it went away` },
    { atMs: againMs, text: `given to ${peerText(OTHER)}, lease 2` },
    { atMs: againMs + 10, text: `result of ${peerText(OTHER)} accepted` },
  ]
}

const answers = (delivered: readonly string[], wrong = 0) => ({ delivered, judged: delivered.length, wrong, caught: 0 })
const failing = (invariants: readonly { holds: boolean; name: string }[]): string[] =>
  invariants.filter(({ holds }) => !holds).map(({ name }) => name)

describe('what became of a scenario’s tasks', () => {
  test('is counted by how they ended; one that is still on its way is lost', () => {
    const parts = [
      part('a'),
      part('b', { attempt: 3 }),
      part('c', { state: 'poisoned', accepted: 0 }),
      part('d', { state: 'leased', accepted: 0 }),
      part('e', { accepted: 2 }),
    ]
    const figures = taskFigures(seen(parts))
    expect(figures).toMatchObject({ submitted: 5, done: 3, failed: 1, retried: 1, lost: 1, acceptedTwice: 1 })
    expect(figures.perSecond).toBe(1.5)
    expect(failing(taskInvariants(figures, undefined))).toEqual([
      'every task ended',
      'no task failed',
      'no result was accepted twice',
    ])
  })

  test('a text that never became a task is lost as well', () => {
    const figures = taskFigures(seen([part('a')]))
    expect(failing(taskInvariants(figures, { ...ASKED, total: 2, liars: false }))).toEqual(['every task ended'])
  })

  test('the time to a new lease counts from the death of the worker, not from when it was noticed', () => {
    const deaths = [{ name: 'compute-01', peerId: VICTIM, atMs: 1_000 }]
    const parts = [part('a', { steps: lostStory(4_000, 4_500) }), part('b', { steps: lostStory(1_100, 1_200) })]
    const { releaseMs, releaseMsMax } = taskFigures({ ...seen(parts), deaths })
    expect(releaseMs).toEqual({ count: 2, p50: 200, p99: 3_500, max: 3_500 })
    expect(releaseMsMax).toBe(3_500)
    const late = taskFigures({ ...seen([part('a', { steps: lostStory(16_500, 16_600) })]), deaths })
    expect(failing(taskInvariants(late, undefined))).toEqual(['what a lost worker had was leased again within 15 s'])
  })

  test('a scenario that kills fails when nobody died', () => {
    const figures = taskFigures(seen([part('a')]))
    const asked = { total: 1, liars: false, kills: 1 }
    expect(failing(taskInvariants(figures, { ...asked, killed: 0 }))).toEqual([
      'workers were killed while they held tasks',
    ])
    expect(failing(taskInvariants(figures, { ...asked, killed: 1 }))).toEqual([])
  })

  test('a lease that was lost while a copy went on needed no other', () => {
    const steps = [
      ...lostStory(1_000, 1_001).slice(0, 2),
      { atMs: 1_500, text: `result of ${peerText(OTHER)} accepted` },
      { atMs: 90_000, text: `given to ${peerText(OTHER)}, lease 3` },
    ]
    expect(taskFigures(seen([part('a', { steps })])).releaseMs.count).toBe(0)
  })

  test('the work factor leaves out the first fifth of the tasks, and counts what the submitter did itself', () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    const own = part('e', { steps: [{ atMs: 1, text: `given to ${peerText(SELF)}, lease 2` }] })
    const parts = [...ids.slice(0, 4).map(id => part(id)), own]
    // The first task was done four times over; of the other four, one was done again by a peer and one here.
    const figures = taskFigures({ ...seen(parts), answers: answers(['a', 'a', 'a', 'b', 'a', 'c', 'd', 'e', 'c']) })
    expect(figures.workFactor).toBe(1.5)
    expect(failing(taskInvariants(figures, { ...ASKED, total: 5, liars: true }))).toContain(
      'finding out costs at most 1.3 × the work',
    )
  })

  test('with liars about, one wrong result in a thousand is one too many, and so is one that nobody judged', () => {
    const parts = Array.from({ length: 1_000 }, (_, i) => part(`t${i}`))
    const ids = parts.map(({ id }) => id)
    const name = 'fewer than 0.1 % of the accepted results are wrong'
    const failed = (wrong: number, delivered: readonly string[]) =>
      failing(
        taskInvariants(taskFigures({ ...seen(parts), answers: answers(delivered, wrong) }), {
          ...ASKED,
          total: 1_000,
          liars: true,
        }),
      )
    expect(failed(0, ids)).toEqual([])
    expect(failed(1, ids)).toEqual([name])
    expect(failed(0, ids.slice(1))).toEqual([name])
  })

  test('percentiles are values that occurred', () => {
    expect(spreadOf([])).toEqual({ count: 0, p50: 0, p99: 0, max: 0 })
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(spreadOf(hundred)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 })
  })
})

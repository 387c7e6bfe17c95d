import { expect, test } from 'vitest'
import type { Round } from '../../src/daemon/domain.ts'
import { createTicker } from '../../src/daemon/ticker.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type Decided, outcome } from '../../src/kernel/outcome.ts'
import { fakeClock, turn } from '../support/fake-clock.ts'

const something = (): Decided<never> => ({ ...outcome<never>(), messages: [note] })
const nothing = (): Decided<never> => outcome<never>()
const note = {
  type: 'note',
  subjectId: 'subject',
  payload: {},
  carrier: 'stream',
  ttlMs: 1,
} as Decided<never>['messages'][0]

/** A turn that changes nothing, and notes when it was had. */
function noting(ran: number[], clock: Clock): () => Decided<never> {
  return () => {
    ran.push(clock.now())
    return nothing()
  }
}

/** A ticker over commits of its own: as those of a daemon they say what changed, and then that they have ended. */
function openTicker() {
  const clock = fakeClock(0)
  const warnings: object[] = []
  const ticker = createTicker({
    clock,
    log: { ...silentLog, warn: fields => void warnings.push(fields) },
    async commit(decide) {
      try {
        const decided = decide()
        if (decided.facts.length + decided.messages.length > 0) ticker.changed()
        return decided
      } finally {
        // As a group of writes: it ends after the turn in which it was decided.
        await new Promise(resolve => setImmediate(resolve))
        ticker.look()
      }
    },
  })
  return {
    clock,
    ticker,
    warnings,
    async start() {
      ticker.start()
      await turn()
    },
    /** Somebody else's write. */
    async change() {
      ticker.changed()
      ticker.look()
      await turn()
    },
    add: (round: Omit<Round<never>, 'name'>, domain = 'words') => ticker.add(domain, { name: 'round', ...round }),
    [Symbol.asyncDispose]: ticker.stop,
  }
}

test('a round sleeps until it is due', async () => {
  await using at = openTicker()
  const ran: number[] = []
  at.add({ due: () => (ran.length === 0 ? 500 : undefined), turn: noting(ran, at.clock) })
  await at.clock.advance(1_000)
  // Nothing runs before the start.
  expect(ran).toEqual([])
  await at.start()
  expect(ran).toEqual([1_000])
})

test('a round that is due later has its turn then, and not before', async () => {
  await using at = openTicker()
  const ran: number[] = []
  at.add({ due: () => (ran.length === 0 ? 500 : undefined), turn: noting(ran, at.clock) })
  await at.start()
  await at.clock.advance(499)
  expect(ran).toEqual([])
  await at.clock.advance(1)
  expect(ran).toEqual([500])
  await at.clock.advance(10_000)
  expect(ran).toEqual([500])
})

test('a change wakes a round that slept longer, or for ever', async () => {
  await using at = openTicker()
  let dueMs: number | undefined
  const ran: number[] = []
  at.add({
    due: () => dueMs,
    turn() {
      ran.push(at.clock.now())
      dueMs = undefined
      return nothing()
    },
  })
  await at.start()
  await at.clock.advance(100)
  dueMs = 0
  await at.clock.advance(100)
  expect(ran).toEqual([])
  await at.change()
  expect(ran).toEqual([200])
  dueMs = 5_000
  await at.change()
  dueMs = 1_000
  await at.change()
  await at.clock.advance(900)
  expect(ran).toEqual([200, 1_000])
})

test.each([
  { of: 'a turn', round: (act: () => Decided<never>) => ({ turn: act }) },
  { of: 'a plan', round: (act: () => Decided<never>) => ({ plan: async () => act }) },
])(
  '$of that changes nothing rests until something else has changed, though it is due all the while',
  async ({ round }) => {
    await using at = openTicker()
    let turns = 0
    let left = 3
    at.add({
      due: () => 0,
      ...round(() => {
        turns++
        return left-- > 0 ? something() : nothing()
      }),
    })
    await at.start()
    for (let i = 0; i < 10; i++) await turn()
    // One that changes something goes on at once; the last has changed nothing.
    expect(turns).toBe(4)
    await at.clock.advance(60_000)
    expect(turns).toBe(4)
    await at.change()
    for (let i = 0; i < 10; i++) await turn()
    expect(turns).toBe(5)
  },
)

test('a turn that changed nothing is asked again when a later moment has come', async () => {
  await using at = openTicker()
  const ran: number[] = []
  let dueMs = 0
  at.add({
    due: () => dueMs,
    turn() {
      ran.push(at.clock.now())
      dueMs = 700
      return nothing()
    },
  })
  await at.start()
  await at.clock.advance(699)
  expect(ran).toEqual([0])
  await at.clock.advance(1)
  expect(ran).toEqual([0, 700])
})

test('what changes while a round thinks is not slept through', async () => {
  await using at = openTicker()
  const thinking = Promise.withResolvers<void>()
  const seen: number[] = []
  let jobs = 0
  at.add({
    due: () => (jobs > seen.length || seen.length === 0 ? 0 : undefined),
    async plan() {
      if (seen.length === 0) await thinking.promise
      return () => {
        seen.push(jobs)
        return nothing()
      }
    },
  })
  await at.start()
  jobs = 2
  await at.change()
  // It never overlaps itself.
  expect(seen).toEqual([])
  thinking.resolve()
  for (let i = 0; i < 10; i++) await turn()
  expect(seen).toEqual([2, 2])
})

test('what a commit changes between the look of a round and its rest wakes it again', async () => {
  await using at = openTicker()
  let turns = 0
  at.add({
    due: () => 0,
    turn() {
      turns++
      // Somebody else's commit lands right after this one has decided.
      if (turns === 1) queueMicrotask(() => void at.change())
      return nothing()
    },
  })
  await at.start()
  for (let i = 0; i < 10; i++) await turn()
  expect(turns).toBe(2)
})

test('a round that fails is said, waits, and goes on; others go on without it', async () => {
  await using at = openTicker()
  const ran: number[] = []
  let others = 0
  at.add({
    due: () => (ran.length < 2 ? 0 : undefined),
    turn() {
      ran.push(at.clock.now())
      if (ran.length === 1) throw new TypeError('a bug')
      return nothing()
    },
  })
  at.add({ due: () => 0, turn: () => (others++ < 3 ? something() : nothing()) }, 'others')
  await at.start()
  await at.clock.advance(999)
  expect(ran).toEqual([0])
  expect(others).toBe(4)
  expect(at.warnings).toMatchObject([{ domain: 'words', round: 'round', reason: 'a bug' }])
  await at.clock.advance(1)
  expect(ran).toEqual([0, 1_000])
})

test('after a write that changed nothing nobody is asked; after one that did, everybody', async () => {
  await using at = openTicker()
  let asked = 0
  at.add({
    due() {
      asked++
      return 5_000
    },
    turn: nothing,
  })
  await at.start()
  expect(asked).toBe(1)
  for (let i = 0; i < 10; i++) {
    at.ticker.look()
    await turn()
  }
  expect(asked).toBe(1)
  await at.change()
  expect(asked).toBe(2)
  // One sleeper, however often a moment was asked for.
  expect(at.clock.sleepers()).toBe(1)
})

test('a round that fails at a later moment, after a turn that changed nothing, is tried again too', async () => {
  await using at = openTicker()
  const ran: number[] = []
  at.add({
    due: () => (ran.length === 0 ? 0 : 500),
    turn() {
      ran.push(at.clock.now())
      if (ran.length === 2) throw new TypeError('a bug')
      return nothing()
    },
  })
  await at.start()
  await at.clock.advance(1_499)
  expect(ran).toEqual([0, 500])
  await at.clock.advance(1)
  expect(ran).toEqual([0, 500, 1_500])
})

test('a round whose moment cannot be told waits and is asked again, like one that fails', async () => {
  await using at = openTicker()
  let asked = 0
  const ran: number[] = []
  at.add({
    due() {
      if (++asked === 1) throw new TypeError('a bug')
      return ran.length === 0 ? 0 : undefined
    },
    turn: noting(ran, at.clock),
  })
  await at.start()
  await at.clock.advance(999)
  expect([ran, at.warnings.length]).toEqual([[], 1])
  await at.clock.advance(1)
  expect(ran).toEqual([1_000])
})

test('a stop waits for what runs, keeps nothing of it, and begins nothing more', async () => {
  const at = openTicker()
  const thinking = Promise.withResolvers<void>()
  let signalled = false
  let turns = 0
  at.add({
    due: () => 0,
    async plan(signal) {
      signal.addEventListener('abort', () => {
        signalled = true
      })
      await thinking.promise
      return () => {
        turns++
        return nothing()
      }
    },
  })
  await at.start()
  let stopped = false
  const stop = at.ticker.stop().then(() => {
    stopped = true
  })
  await turn()
  expect([signalled, stopped]).toEqual([true, false])
  thinking.resolve()
  await stop
  await at.change()
  await at.clock.advance(60_000)
  expect([stopped, turns, at.warnings]).toEqual([true, 0, []])
  expect(at.clock.sleepers()).toBe(0)
})

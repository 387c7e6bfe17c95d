import { expect, test } from 'vitest'
import { createEvents, type DaemonEvent, type Events, type Line } from '../../src/daemon/events.ts'
import { systemClock } from '../../src/kernel/clock.ts'

const EPOCH = 1_000
/** As many as are kept. */
const KEPT = 4_096

function openEvents(sleep = systemClock.sleep): { events: Events; tell: (...names: readonly string[]) => void } {
  const events = createEvents({ epochMs: EPOCH, clock: { now: () => 42, sleep } })
  return {
    events,
    tell(...names) {
      for (const event of names) events.tell({ domain: 'words', event, data: { event } })
    },
  }
}

const named = (events: readonly DaemonEvent[]): string[] => events.map(({ event }) => event)

/** What is read, up to so many. */
async function take(reader: AsyncIterator<Line>, count: number): Promise<Line[]> {
  const taken = []
  while (taken.length < count) {
    const { value, done } = await reader.next()
    if (done === true) break
    taken.push(value)
  }
  return taken
}

test('events are numbered in the order they are told, within the life of their daemon', () => {
  const { events, tell } = openEvents()
  tell('one', 'two')
  expect(events.after(`${EPOCH}.0`, 10)).toEqual({
    events: [
      { id: `${EPOCH}.1`, atMs: 42, domain: 'words', event: 'one', data: { event: 'one' } },
      { id: `${EPOCH}.2`, atMs: 42, domain: 'words', event: 'two', data: { event: 'two' } },
    ],
  })
  expect(events.cursor()).toBe(`${EPOCH}.2`)
})

test('a cursor gets what came after it, a page at a time', () => {
  const { events, tell } = openEvents()
  tell('one', 'two', 'three', 'four')
  expect(named(events.after(`${EPOCH}.1`, 2).events)).toEqual(['two', 'three'])
  expect(named(events.after(`${EPOCH}.3`, 2).events)).toEqual(['four'])
  expect(events.after(events.cursor(), 2)).toEqual({ events: [] })
})

test('so many are kept and no more; who comes back too late is told which it has missed', () => {
  const { events, tell } = openEvents()
  for (let n = 1; n <= KEPT; n++) tell(`event ${n}`)
  expect(events.after(`${EPOCH}.0`, 1)).toMatchObject({ events: [{ event: 'event 1' }] })
  expect(events.after(`${EPOCH}.0`, 1).missed).toBeUndefined()
  tell('one more', 'another')
  expect(events.after(`${EPOCH}.0`, 1)).toMatchObject({
    events: [{ event: 'event 3' }],
    missed: { from: `${EPOCH}.1`, to: `${EPOCH}.2` },
  })
  expect(events.after(`${EPOCH}.2`, 1).missed).toBeUndefined()
})

test.each([
  ['of a former life', '999.7'],
  ['of a life to come', `${EPOCH}.7`],
  ['that is none', 'nonsense'],
])('a cursor %s begins with the first event of this life, and is told that more was before', (_, cursor) => {
  const { events, tell } = openEvents()
  tell('one', 'two')
  expect(named(events.after(cursor, 10).events)).toEqual(['one', 'two'])
  expect(events.after(cursor, 10).missed).toEqual({ from: cursor, to: `${EPOCH}.0` })
})

test('who reads gets what is kept after its cursor, then waits, and is woken by what is told', async () => {
  const { events, tell } = openEvents()
  tell('one', 'two')
  const reader = events.read({ after: `${EPOCH}.1` }, new AbortController().signal)
  expect(await take(reader, 2)).toMatchObject([{ cursor: `${EPOCH}.1` }, { event: 'two' }])
  let woken = false
  const next = take(reader, 2).then(taken => {
    woken = true
    return taken
  })
  await new Promise(resolve => setImmediate(resolve))
  expect(woken).toBe(false)
  tell('three', 'four')
  expect(await next).toMatchObject([{ event: 'three' }, { event: 'four' }])
})

test('who reads too slowly is told what it has missed, and goes on from there', async () => {
  const { events, tell } = openEvents()
  tell('one')
  const reader = events.read({ after: `${EPOCH}.0` }, new AbortController().signal)
  expect(await take(reader, 2)).toMatchObject([{ cursor: `${EPOCH}.0` }, { event: 'one' }])
  for (let n = 2; n <= KEPT + 3; n++) tell(`event ${n}`)
  expect(await take(reader, 2)).toMatchObject([
    { missed: { from: `${EPOCH}.2`, to: `${EPOCH}.3` } },
    { event: 'event 4' },
  ])
})

test('what is told in the same turn in which a reader begins to wait is not slept through', async () => {
  const { events, tell } = openEvents()
  const reader = events.read({}, new AbortController().signal)
  expect(await take(reader, 1)).toEqual([{ cursor: `${EPOCH}.0` }])
  const next = reader.next()
  tell('at once')
  expect(await next).toMatchObject({ value: { event: 'at once' } })
})

test('who wants some events alone is told no others', async () => {
  const { events, tell } = openEvents()
  tell('trade.agreed', 'need.changed', 'trade.ended', 'tradesman.seen')
  const signal = new AbortController().signal
  const trades = await take(events.read({ after: `${EPOCH}.0`, event: 'trade.*' }, signal), 3)
  expect(trades).toMatchObject([{ cursor: `${EPOCH}.0` }, { event: 'trade.agreed' }, { event: 'trade.ended' }])
  const needs = await take(events.read({ after: `${EPOCH}.0`, event: 'need.changed' }, signal), 2)
  expect(needs).toMatchObject([{ cursor: `${EPOCH}.0` }, { event: 'need.changed' }])
})

test('while nothing happens the cursor is said again, so that silence is told from a broken line', async () => {
  const { events, tell } = openEvents(() => new Promise(resolve => setImmediate(resolve)))
  tell('one')
  const reader = events.read({}, new AbortController().signal)
  expect(await take(reader, 3)).toEqual([{ cursor: `${EPOCH}.1` }, { cursor: `${EPOCH}.1` }, { cursor: `${EPOCH}.1` }])
})

test('nor is silent for minutes while others are told much: its cursor moves on', async () => {
  let nowMs = 42
  const events = createEvents({ epochMs: EPOCH, clock: { now: () => nowMs, sleep: systemClock.sleep } })
  const tell = (event: string): void => events.tell({ domain: 'words', event, data: {} })
  const reader = events.read({ after: `${EPOCH}.0`, event: 'wanted' }, new AbortController().signal)
  expect(await take(reader, 1)).toEqual([{ cursor: `${EPOCH}.0` }])
  tell('other')
  tell('wanted')
  expect(await take(reader, 1)).toMatchObject([{ event: 'wanted' }])
  nowMs += 15_000
  tell('other')
  expect(await take(reader, 1)).toEqual([{ cursor: `${EPOCH}.3` }])
})

test('a reader ends when it is called off, waiting or not', async () => {
  const { events, tell } = openEvents()
  const stopping = new AbortController()
  const reader = events.read({}, stopping.signal)
  expect(await take(reader, 1)).toEqual([{ cursor: `${EPOCH}.0` }])
  const next = reader.next()
  tell('new')
  expect(await next).toMatchObject({ value: { event: 'new' } })
  const last = reader.next()
  stopping.abort()
  expect(await last).toEqual({ done: true, value: undefined })
})

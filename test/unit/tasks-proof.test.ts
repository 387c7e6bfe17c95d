import { describe, expect, test } from 'vitest'
import { groupsOf, judge, type Voice } from '../../src/domains/tasks/proof/judgement.ts'
import {
  afterRight,
  afterWrong,
  checkChance,
  isTrusted,
  newcomer,
  type Reputation,
  trustOf,
} from '../../src/domains/tasks/proof/reputation.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { seededRandom } from '../../src/kernel/random.ts'
import { createOffice, type Peer } from '../support/two-desks.ts'

const DAY_MS = 24 * 60 * 60_000
const proven = (times: number, from = newcomer('p' as PeerId, 'k@1', '')): Reputation =>
  Array.from({ length: times }).reduce<Reputation>(reputation => afterRight(reputation, 0), from)

describe('reputation', () => {
  test('everything of a new peer is checked; after ten right in a row, one in as many as were right', () => {
    expect(checkChance(proven(0), 0)).toBe(1)
    expect(checkChance(proven(9), 0)).toBe(1)
    expect(checkChance(proven(10), 0)).toBe(1 / 10)
    expect(checkChance(proven(40), 0)).toBe(1 / 40)
  })

  test('one wrong result starts over, and the peer is not asked for a day, longer each time', () => {
    const once = afterWrong(proven(40), 5)
    expect(once).toMatchObject({ consecutive: 0, wrong: 1, notBeforeMs: 5 + DAY_MS })
    expect(isTrusted(once, 5)).toBe(false)
    expect(afterWrong(once, 5).notBeforeMs).toBe(5 + 2 * DAY_MS)
  })

  test('what was learnt counts half as much after a week', () => {
    expect(trustOf(proven(40), 7 * DAY_MS)).toBe(20)
    expect(isTrusted(proven(19), 7 * DAY_MS)).toBe(true)
    expect(isTrusted(proven(18), 7 * DAY_MS)).toBe(false)
  })
})

describe('the verdict on opinions', () => {
  const voice = (worker: string, more: Partial<Voice> = {}): Voice => ({
    worker: worker as PeerId,
    epoch: 1,
    own: false,
    trusted: false,
    checkChance: 1,
    ...more,
  })
  const trusted = { trusted: true, checkChance: 0.1 }
  const sure = { random: 0.99, ownCannot: false }

  test('a lone stranger is not believed, a lone proven peer mostly is', () => {
    expect(judge([[voice('a')]], sure)).toEqual({ doubt: { ask: 'peer', because: 'new' } })
    expect(judge([[voice('a', trusted)]], sure)).toMatchObject({ confirmed: false, accept: { worker: 'a' } })
    expect(judge([[voice('a', trusted)]], { ...sure, random: 0.05 })).toEqual({
      doubt: { ask: 'peer', because: 'sampled' },
    })
    expect(judge([[voice('a', trusted)]], { ...sure, random: 0.14 })).toEqual({
      doubt: { ask: 'own', because: 'sampled' },
    })
  })

  test('two strangers who agree may be one liar; a proven peer or the own machine bears a result out', () => {
    expect(judge([[voice('a'), voice('b')]], sure)).toEqual({ doubt: { ask: 'own', because: 'new' } })
    expect(judge([[voice('a'), voice('b', trusted)]], sure)).toMatchObject({ confirmed: true, right: ['a', 'b'] })
    expect(judge([[voice('a'), voice('self', { own: true })]], sure)).toMatchObject({
      confirmed: true,
      accept: { worker: 'self' },
      right: ['a'],
      wrong: [],
    })
  })

  test('where two differ the own machine decides; where it cannot, most voices do', () => {
    const differ = [[voice('a', trusted)], [voice('b', trusted)]]
    expect(judge(differ, sure)).toEqual({ doubt: { ask: 'own', because: 'disagreement' } })
    expect(judge([...differ, [voice('self', { own: true })]], sure)).toMatchObject({ right: [], wrong: ['a', 'b'] })
    const alone = { ...sure, ownCannot: true }
    expect(judge(differ, alone)).toEqual({ doubt: { ask: 'peer', because: 'disagreement' } })
    expect(judge([[voice('a')], [voice('b'), voice('c')]], alone)).toMatchObject({ right: ['b', 'c'], wrong: ['a'] })
  })

  test('opinions are grouped by agreement', () => {
    expect(groupsOf([1, 2, 1, 3, 2], (a, b) => a === b)).toEqual([[1, 1], [2, 2], [3]])
  })
})

const right = (word: string) => ({ output: word.toUpperCase() })
/** Wrong in a way that no cheap check sees, and the same for all who lie. */
const lie = (word: string) => ({ output: word.toLowerCase() })

function office(workers: number, random?: () => number) {
  const desk = createOffice(random)
  const boss = desk.createPeer('boss', 0)
  const staff = Array.from({ length: workers }, (_, i) => desk.createPeer(`worker-${i}`, 8))
  desk.hire(...staff.map(worker => [worker, 8] as const))
  return { desk, boss, staff: staff as [Peer, Peer, Peer] }
}

test('the work of a new peer is done a second time by the own machine, until it has a record', () => {
  const { desk, boss, staff } = office(1)
  const { jobId } = desk.request(boss, { text: 'one two' })
  desk.giveOut(boss)
  desk.carry(staff[0], desk.work(staff[0]))
  expect(boss.store.taskCounts(jobId)).toEqual({ queued: 2 })
  desk.tick(boss)
  expect(boss.store.openWork()).toHaveLength(2)
  desk.work(boss)
  expect(boss.store.tasksOfJob(jobId)).toMatchObject(
    Array.from({ length: 2 }, () => ({ state: 'done', accepted: 1, confirmed: true, opinions: [], attempt: 1 })),
  )
  expect(boss.store.reputation('worker-0/shout@1/')).toMatchObject({ consecutive: 2, confirmed: 2, wrong: 0 })
})

test('a peer whose results nobody is to check is believed at once', () => {
  const { desk, boss, staff } = office(1)
  const { jobId } = desk.request(boss, { verify: 'none' })
  desk.giveOut(boss)
  desk.carry(staff[0], desk.work(staff[0], lie))
  expect(desk.task(boss, jobId)).toMatchObject({ state: 'done', confirmed: false })
  expect(boss.store.reputations()).toEqual([])
})

test('a machine that cannot check what its only worker answered says what is missing, and asks who comes later', () => {
  const desk = createOffice()
  const lone = desk.createPeer('lone', 0)
  const able = { engines: () => ['abacus'] }
  const [first, second] = [desk.createPeer('first', 8, able), desk.createPeer('second', 8, able)]
  desk.hire([first, 8])
  const { jobId } = desk.request(lone, { needs: { engine: 'abacus' } })
  desk.giveOut(lone)
  desk.carry(first, desk.work(first))
  desk.tick(lone)
  expect(lone.store.job(jobId)?.reason).toBeUndefined()
  desk.pass(30_000)
  desk.giveOut(lone)
  const { state, reason } = lone.store.job(jobId) ?? expect.fail('no job')
  expect([state, reason]).toEqual(['running', expect.stringContaining('a second able peer, or needs --verify none')])
  expect(reason).toContain('there is no abacus here')
  // All its parts are done once: who comes now is asked for the second opinion alone.
  desk.hire([first, 8], [second, 8])
  desk.giveOut(lone)
  desk.giveOut(lone)
  desk.carry(second, desk.work(second))
  desk.tick(lone)
  expect(lone.store.job(jobId)).toMatchObject({ state: 'done' })
})

/** One worker earns a record of twelve, and then has work accepted on trust. */
function trustedOnce() {
  const { desk, boss, staff } = office(1)
  const [worker] = staff
  const round = (answer = right) => {
    desk.giveOut(boss)
    desk.carry(worker, desk.work(worker, answer))
    desk.tick(boss)
    desk.work(boss)
  }
  const words = (from: number, count: number) => Array.from({ length: count }, (_, i) => `w${from + i}`).join(' ')
  desk.request(boss, { text: words(0, 12) })
  for (let i = 0; i < 6; i++) round()
  return { desk, boss, worker, round, words }
}

test('a peer caught lying is not asked again, and what was accepted on its word is done again', () => {
  const { desk, boss, worker, words } = trustedOnce()
  expect(boss.store.reputation('worker-0/shout@1/')).toMatchObject({ consecutive: 10 })
  const { jobId } = desk.request(boss, { text: words(100, 12) })
  desk.giveOut(boss)
  desk.carry(worker, desk.work(worker, lie))
  const believed = boss.store.tasksOfJob(jobId).filter(({ state }) => state === 'done')
  expect(believed).toHaveLength(8)
  // The next is provably wrong: too long.
  desk.carry(boss, desk.tick(boss).messages)
  const sent = desk.work(worker, () => ({ output: 'far too long to be true' }))
  const told = desk.carry(worker, sent, ['task.cancel'])
  expect(told.map(({ type }) => type)).not.toContain('task.ack')
  expect(boss.store.reputation('worker-0/shout@1/')).toMatchObject({ consecutive: 0, wrong: 1 })
  expect(boss.store.taskCounts(jobId)).toEqual({ queued: 12 })
  expect(boss.store.tasksOfJob(jobId).every(({ accepted }) => accepted === 0)).toBe(true)
  for (let i = 0; i < 20; i++) {
    desk.pass(60_000)
    desk.giveOut(boss)
    expect(worker.store.openWork()).toEqual([])
    desk.work(boss)
  }
  desk.tick(boss)
  expect(boss.store.job(jobId)?.state).toBe('done')
  const tasks = boss.store.tasksOfJob(jobId)
  expect(tasks.every(task => task.accepted === 1 && task.worker === 'boss')).toBe(true)
  expect(desk.output(boss, tasks[0] as never)).toBe('W100')
})

test('a peer that was new when its result came may be believed once it has a record', () => {
  const { desk, boss, staff } = office(1)
  const [worker] = staff
  const { jobId } = desk.request(boss, { text: 'a b c d' })
  desk.giveOut(boss)
  desk.carry(worker, desk.work(worker))
  const reputation = proven(30, newcomer(worker.self, 'shout@1', ''))
  boss.apply([{ kind: 'tasks.reputation', reputation: { ...reputation, atMs: desk.now() } }])
  desk.tick(boss)
  expect(boss.store.openWork()).toEqual([])
  expect(boss.store.taskCounts(jobId)).toEqual({ done: 4 })
})

describe('a population of which three in ten lie', () => {
  const WORKERS = 20
  const LIARS = 6
  type Lies = (trusted: boolean, random: number) => boolean

  test.each<[string, Lies]>([
    ['always, and all the same lie', () => true],
    ['every tenth time', (_, random) => random < 0.1],
    ['every fifth time, once they are trusted', (trusted, random) => trusted && random < 0.2],
    ['every twentieth time, once they are trusted', (trusted, random) => trusted && random < 0.05],
  ])(
    'has fewer than 0.1 %% of wrong results accepted at 1.3 times the work, when they lie %s',
    (how, lies) => {
      const random = seededRandom(7)
      const { desk, boss, staff } = office(WORKERS, random)
      let executed = 0
      const shout = (peer: Peer) => (word: string) => {
        executed++
        const number = Number(peer.self.split('-')[1] ?? WORKERS)
        const reputation = boss.store.reputation(`${peer.self}/shout@1/`)
        const trusted = reputation !== undefined && isTrusted(reputation, desk.now())
        return number < LIARS && lies(trusted, random()) ? lie(word) : right(word)
      }
      const day = (count: number) => {
        const text = Array.from({ length: count }, (_, i) => `w${i}`).join(' ')
        const { jobId } = desk.request(boss, { text })
        for (let i = 0; boss.store.job(jobId)?.state === 'running' && i < 2_000; i++) {
          desk.pass(20)
          desk.carry(boss, desk.tick(boss).messages)
          for (const peer of [...staff, boss]) desk.carry(peer, desk.work(peer, shout(peer)))
        }
        const tasks = boss.store.tasksOfJob(jobId)
        expect(boss.store.job(jobId)?.state).toBe('done')
        expect(tasks.every(({ accepted }) => accepted === 1)).toBe(true)
        return tasks.filter((task, i) => desk.output(boss, task) !== `W${i}`).length
      }
      const warmUp = 1_000
      const measured = 3_000
      const early = day(warmUp)
      executed = 0
      const wrong = day(measured)
      const work = executed / measured
      console.log(
        `lies ${how}: ${wrong} of ${measured} wrong (warm-up: ${early} of ${warmUp}), ${work.toFixed(3)} × the work`,
      )
      expect(wrong / measured).toBeLessThan(0.001)
      expect(work).toBeLessThanOrEqual(1.3)
    },
    60_000,
  )
})

import { describe, expect, test } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'
import { ENDINGS, type Ending, endingIn } from '../support/endings.ts'
import { createOffice, type Peer } from '../support/two-desks.ts'
import { ALL, createTown, idOf, type Party, SEARCH_MS } from '../support/two-markets.ts'

const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1)
  return items[0] as T
}
const HOUR_MS = 3_600_000

interface Decision<Fact> {
  readonly decide: () => { readonly facts: readonly Fact[] }
  /** What is seen of memory. */
  readonly look: () => unknown
}

/** Somebody decides in a write that ends like that: inside of it memory has changed, and afterwards only if it was kept. */
async function decided<Fact>(
  { storage, apply }: { readonly storage: Storage; readonly apply: (facts: readonly Fact[]) => void },
  ending: Ending,
  { decide, look }: Decision<Fact>,
): Promise<void> {
  const before = look()
  let inside: unknown
  await endingIn(storage, ending, () => {
    apply(decide().facts)
    inside = look()
  })
  expect(inside).not.toEqual(before)
  expect(look()).toEqual(ending === 'kept' ? inside : before)
}

describe.each(ENDINGS)('what trading remembers in a write that is %s:', ending => {
  const isKept = ending === 'kept'

  test('a cancellation that overtakes its trade', async () => {
    const town = createTown(['buyer', 'seller'])
    const [buyer, seller] = town.parties as [Party, Party]
    town.offer(seller)
    town.want(buyer)
    town.settle()
    town.pass(SEARCH_MS)
    const select = only(town.take())
    const { transactionId } = only(buyer.store.trades(ALL))
    town.keep(buyer, buyer.trading.cancelTrade(transactionId))
    const { from, draft } = only(town.take())
    const { handle } = seller.messages.get(draft.type) ?? expect.fail('nobody takes a cancellation')
    const envelope = town.envelopeOf(from, draft)
    await decided(seller, ending, {
      decide: () => handle(envelope, envelope.payload),
      look: () => seller.store.isOvertaken(transactionId, buyer.self),
    })
    town.deliver(select, seller)
    expect(seller.store.trades(ALL)).toHaveLength(isKept ? 0 : 1)
  })

  test('a pull, and whom it asked', async () => {
    const town = createTown(['late'])
    const [late] = town.parties as [Party]
    const neighbour = idOf('neighbour')
    await decided(late, ending, {
      decide: () => late.trading.joined(neighbour),
      look: () => [late.store.pull(neighbour), late.store.pulled()],
    })
    expect(late.trading.isWanted(neighbour)).toBe(!isKept)
    expect(late.trading.joined(neighbour).messages).toHaveLength(isKept ? 0 : 1)
  })

  test('a catalog that is heard', async () => {
    const town = createTown(['buyer', 'seller'])
    const [buyer, seller] = town.parties as [Party, Party]
    town.offer(seller, { priceMicro: 1 })
    town.settle()
    town.pass(1)
    town.offer(seller, { priceMicro: 2 }, { version: town.now() })
    const { from, draft } = only(town.take())
    const { handle } = buyer.messages.get(draft.type) ?? expect.fail('nobody takes a catalog')
    const envelope = town.envelopeOf(from, draft)
    await decided(buyer, ending, {
      decide: () => handle(envelope, envelope.payload),
      look: () => buyer.trading.offers({}).map(({ offer }) => offer.priceMicro),
    })
    expect(buyer.trading.offers({}).map(({ offer }) => offer.priceMicro)).toEqual([isKept ? 2 : 1])
  })

  test('time that has passed over a catalog', async () => {
    const town = createTown(['buyer', 'seller'])
    const [buyer, seller] = town.parties as [Party, Party]
    town.offer(seller, {}, { validUntilMs: town.now() + HOUR_MS })
    town.settle()
    town.setClock(buyer, HOUR_MS)
    await decided(buyer, ending, {
      decide: buyer.trading.tick,
      look: () => buyer.store.index.catalogs().map(({ seller: one }) => one),
    })
    // What was undone is decided again.
    const { facts } = buyer.trading.tick()
    expect(facts).toEqual(isKept ? [] : [{ kind: 'trading.catalog.over', seller: seller.self }])
  })
})

describe.each(ENDINGS)('what tasks remember in a write that is %s:', ending => {
  const isKept = ending === 'kept'

  test('a bid', async () => {
    const desk = createOffice()
    const boss = desk.createPeer('boss', 0)
    const worker = desk.createPeer('worker')
    desk.hire([worker, 2])
    desk.request(boss, { verify: 'none' })
    const offer = only(desk.tick(boss).messages)
    const bid = only(desk.deliver(boss, offer, worker).messages)
    await decided(boss, ending, {
      decide: () => desk.decisionOf(worker, bid, boss),
      look: () => boss.tasks.nextMs(desk.now()),
    })
    expect(desk.tick(boss).messages.map(({ type }) => type)).toEqual(isKept ? ['task.assign'] : [])
  })

  /** Two workers have a part each; then there is nobody any more, which this machine takes for its own loss. */
  test('a lost worker, of whom two make it doubt its own network', async () => {
    const desk = createOffice()
    const boss = desk.createPeer('boss', 0)
    const staff = ['ann', 'ben'].map(name => desk.createPeer(name, 1)) as [Peer, Peer]
    desk.hire(...staff.map(worker => [worker, 1] as const))
    const { jobId } = desk.request(boss, { text: 'one two', verify: 'none' })
    desk.giveOut(boss, ['task.assign'])
    const tasks = () => boss.store.tasksOfJob(jobId)
    expect(new Set(tasks().map(({ worker }) => worker))).toEqual(new Set(['ann', 'ben']))
    desk.hire()
    const [ann, ben] = staff
    await decided(boss, ending, {
      decide: () => boss.tasks.workerLost(ann.self),
      look: () =>
        tasks()
          .map(({ state }) => state)
          .toSorted((a, b) => a.localeCompare(b)),
    })
    desk.keep(boss, boss.tasks.workerLost(ben.self))
    const doubted = tasks().filter(({ steps }) => steps.some(({ text }) => text.includes('had lost its network')))
    expect(doubted).toHaveLength(isKept ? 2 : 0)
  })
})

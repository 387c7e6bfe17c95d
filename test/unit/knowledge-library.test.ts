import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { KnowledgeFact } from '../../src/domains/knowledge/collection.ts'
import { createLibrary } from '../../src/domains/knowledge/library.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { type Commit, outcome } from '../../src/kernel/outcome.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeEncode, here, openShelf } from '../support/knowledge-shelf.ts'
import { eventually } from '../support/network-hosts.ts'

let shelf: ReturnType<typeof openShelf>
beforeEach(() => {
  shelf = openShelf()
})
afterEach(() => shelf.close())

/** A library over the shelf, whose sweeping waits until it is let go on. */
function openLibrary() {
  const gate = Promise.withResolvers<void>()
  const sweeps = { begun: 0 }
  const commit: Commit<KnowledgeFact> = async decide => {
    const decided = decide()
    if (decided.facts.some(({ kind }) => kind === 'knowledge.swept')) {
      sweeps.begun += 1
      await gate.promise
    }
    return await shelf.commit(() => decided)
  }
  const library = createLibrary({
    store: shelf.store,
    commit,
    encode: fakeEncode(),
    clock: fakeClock(),
    newId: randomUUID,
    log: silentLog,
    documents: { encode: here(fakeEncode()), width: () => 2 },
    maxFileBytes: 1_000,
    threads: 1,
    sharers: () => [],
    sharingChanged: () => undefined,
    askPeer: () => Promise.reject(new Error('nobody is asked here')),
  })
  return { library, sweeps, goOn: () => gate.resolve() }
}

/** Documents that a kill left half written, of more sections than one commit sweeps. */
async function leaveHalf(names: readonly string[]): Promise<void> {
  const text = Array.from({ length: 90 }, (_, n) => `passage ${n}`).join('\n\n')
  for (const name of names) await shelf.put('papers', name, text)
  const documents = shelf.store.documents('papers', '', 9)
  const half = documents.map(({ id }): KnowledgeFact => ({ kind: 'knowledge.dropped', document: id }))
  await shelf.commit(() => outcome(half))
}

it('a start does not wait until what a kill left half is swept, and it is swept all the same', async () => {
  await leaveHalf(['a', 'b'])
  const { library, sweeps, goOn } = openLibrary()
  await library.start()
  expect(sweeps.begun).toBe(1)
  expect(shelf.rows()['documents']).toBe(2)
  goOn()
  await eventually('all is swept', () => shelf.rows()['documents'] === 0)
  await library.stop()
})

it('a stop ends the sweep after the commit that runs, and leaves the rest to the next start', async () => {
  await leaveHalf(['a', 'b'])
  const { library, sweeps, goOn } = openLibrary()
  await library.start()
  const stopped = library.stop()
  goOn()
  await stopped
  expect(sweeps.begun).toBe(1)
  expect(shelf.rows()['documents']).toBe(2)
  const next = openLibrary()
  next.goOn()
  await next.library.start()
  await eventually('all is swept', () => shelf.rows()['documents'] === 0)
  await next.library.stop()
})

it('a removal that a stop interrupts is not called done', async () => {
  await shelf.put('papers', 'a', 'heat pump')
  const { library, sweeps, goOn } = openLibrary()
  const removed = library.commands.remove('papers')
  const refused = expect(removed).rejects.toThrow()
  await eventually('it is being swept', () => sweeps.begun === 1)
  const stopped = library.stop()
  goOn()
  await Promise.all([stopped, refused])
  expect(shelf.store.accessLists()).toHaveLength(1)
})

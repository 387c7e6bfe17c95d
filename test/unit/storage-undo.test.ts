import { expect, test } from 'vitest'
import { outcome } from '../../src/kernel/outcome.ts'
import type { Db, Kept, StoreTools } from '../../src/storage/kept.ts'
import type { GroupEnd } from '../../src/storage/storage.ts'
import { openPeer } from '../support/open-domain.ts'

interface Word {
  readonly word: string
  /** Whether the row refers to one that is not there: only the commit finds that out. */
  readonly dangling?: boolean
}

interface WordsRead {
  rows(): string[]
  remembered(): string[]
  said(): number
}

const MOST = 3
const MIGRATION = `
  CREATE TABLE books (id INTEGER PRIMARY KEY);
  CREATE TABLE words (word TEXT, book INTEGER REFERENCES books DEFERRABLE INITIALLY DEFERRED);
`

/** Keeps words as rows, in a bounded memory beside them, and in a number. */
function wordStore(db: Db, { memory, undo }: StoreTools): Kept<Word, WordsRead> {
  const insert = db.prepare('INSERT INTO words VALUES (?, ?)')
  const all = db.prepare('SELECT word FROM words ORDER BY word')
  const words = memory<string, true>(MOST)
  let said = 0
  return {
    apply({ word, dangling = false }) {
      insert.run(word, dangling ? 1 : null)
      words.set(word, true)
      said++
      undo(() => said--)
    },
    read: {
      rows: () => all.all().map(row => String(row['word'])),
      remembered: () => [...words.keys()].toSorted(),
      said: () => said,
    },
  }
}

function openWords() {
  const { storage, close } = openPeer()
  const { read, apply } = storage.open({ name: 'words', migrations: [MIGRATION], store: wordStore })
  const ends: GroupEnd[] = []
  storage.onEnd(how => ends.push(how))
  const outcomes = async (...writes: readonly (() => void)[]) => {
    const results = await Promise.allSettled(writes.map(storage.write))
    return results.map(({ status }) => status)
  }
  return {
    outcomes,
    say: (word: string, more: Partial<Word> = {}) => apply({ word, ...more }),
    state: () => ({ rows: read.rows(), remembered: read.remembered(), said: read.said() }),
    ends,
    [Symbol.dispose]: close,
  }
}

const bug = (): never => {
  throw new TypeError('a bug')
}

test('memory stays with a write that is committed', async () => {
  using words = openWords()
  expect(await words.outcomes(() => words.say('one'))).toEqual(['fulfilled'])
  expect(words.state()).toEqual({ rows: ['one'], remembered: ['one'], said: 1 })
  expect(words.ends).toEqual(['committed'])
})

test('a commit that changes memory alone is a change, and one that changes nothing is none', async () => {
  using peer = openPeer()
  let changes = 0
  peer.onChanged(() => changes++)
  const heard = peer.storage.open({
    name: 'heard',
    store: (_, { memory }) => ({ apply: () => undefined, read: memory<string, number>(MOST) }),
  }).read
  const hearing = (act: () => void) =>
    peer.commit(() => {
      act()
      return outcome<never>()
    })
  await hearing(() => heard.set('bid', 1))
  expect(changes).toBe(1)
  await hearing(() => heard.delete('bid'))
  expect(changes).toBe(2)
  await hearing(() => heard.delete('never there'))
  expect(changes).toBe(2)
})

test('memory goes back with a write that fails, and that of its group stays', async () => {
  using words = openWords()
  const results = await words.outcomes(
    () => words.say('before'),
    () => {
      words.say('failed')
      // A decision sees what it has changed, until it is undone.
      expect(words.state()).toEqual({ rows: ['before', 'failed'], remembered: ['before', 'failed'], said: 2 })
      bug()
    },
    () => words.say('after'),
  )
  expect(results).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(words.state()).toEqual({ rows: ['after', 'before'], remembered: ['after', 'before'], said: 2 })
  expect(words.ends).toEqual(['committed'])
})

test('memory goes back with a group that cannot be committed, whoever is in it, and no further', async () => {
  using words = openWords()
  await words.outcomes(() => words.say('kept'))
  const results = await words.outcomes(
    () => words.say('good'),
    () => words.say('bad', { dangling: true }),
  )
  expect(results).toEqual(['rejected', 'rejected'])
  expect(words.state()).toEqual({ rows: ['kept'], remembered: ['kept'], said: 1 })
  expect(words.ends).toEqual(['committed', 'undone'])
  // What was undone is not undone again with the next.
  expect(await words.outcomes(() => words.say('later'), bug)).toEqual(['fulfilled', 'rejected'])
  expect(words.state()).toEqual({ rows: ['kept', 'later'], remembered: ['kept', 'later'], said: 2 })
})

test('what a write has pushed out of a full memory is there again when it is undone, and still the first to go', async () => {
  using words = openWords()
  await words.outcomes(() => {
    for (const word of ['a', 'b', 'c']) words.say(word)
  })
  await words.outcomes(() => {
    words.say('d')
    words.say('b')
    expect(words.state().remembered).toEqual(['b', 'c', 'd'])
    bug()
  })
  expect(words.state()).toMatchObject({ remembered: ['a', 'b', 'c'], said: 3 })
  await words.outcomes(() => words.say('d'))
  expect(words.state()).toMatchObject({ remembered: ['b', 'c', 'd'], said: 4 })
  await words.outcomes(() => words.say('e'))
  expect(words.state()).toMatchObject({ remembered: ['c', 'd', 'e'], said: 5 })
})

test('what changes outside of any write is nobody’s to undo', async () => {
  using words = openWords()
  words.say('at the start')
  await words.outcomes(bug)
  expect(words.state()).toEqual({ rows: ['at the start'], remembered: ['at the start'], said: 1 })
})

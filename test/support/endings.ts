import { expect } from 'vitest'
import type { Storage } from '../../src/storage/storage.ts'

/** How a write ends: on the disk, undone alone (back to its savepoint), or undone with all that shared its commit. */
export const ENDINGS = ['kept', 'undone alone', 'undone with its group'] as const
export type Ending = (typeof ENDINGS)[number]

/** Only the commit finds out that this row refers to one that is not there. */
const TABLES = `
  CREATE TABLE spoiled_books (id INTEGER PRIMARY KEY);
  CREATE TABLE spoiled_words (book INTEGER REFERENCES spoiled_books DEFERRABLE INITIALLY DEFERRED);
`

/** Does the work in a write that ends like that. */
export async function endingIn(storage: Storage, ending: Ending, work: () => void): Promise<void> {
  // What came before is no part of its group.
  await storage.write(() => undefined)
  const { apply } = storage.open<number, undefined>({
    name: 'spoiled',
    migrations: [TABLES],
    store(db) {
      const insert = db.prepare('INSERT INTO spoiled_words VALUES (?)')
      return { read: undefined, apply: book => void insert.run(book) }
    },
  })
  const before = storage.write(() => undefined)
  const done = storage.write(() => {
    work()
    if (ending === 'undone alone') throw new TypeError('a bug')
  })
  const after = storage.write(() => (ending === 'undone with its group' ? apply(1) : undefined))
  const ends = await Promise.allSettled([before, done, after])
  expect(ends.map(({ status }) => status === 'fulfilled')).toEqual(
    { kept: [true, true, true], 'undone alone': [true, false, true], 'undone with its group': [false, false, false] }[
      ending
    ],
  )
}

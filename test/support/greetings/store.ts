import type { PeerId } from '../../../src/kernel/ids.ts'
import { applyBy, type Db, type Kept } from '../../../src/storage/kept.ts'

export interface Greeting {
  readonly id: string
  readonly peer: PeerId
  readonly words: string
  readonly atMs: number
  readonly letters?: number
}

export type GreetingFact =
  | { readonly kind: 'greetings.heard'; readonly greeting: Greeting }
  | { readonly kind: 'greetings.counted'; readonly id: string; readonly letters: number }

export interface GreetingsRead {
  all(): Greeting[]
  greeting(id: string): Greeting | undefined
  /** The first whose letters nobody has counted. */
  uncounted(): Greeting | undefined
}

export const greetingsMigrations = [
  'CREATE TABLE greetings (id TEXT PRIMARY KEY, peer TEXT NOT NULL, words TEXT NOT NULL, at INTEGER NOT NULL) STRICT',
  'ALTER TABLE greetings ADD COLUMN letters INTEGER',
]

export function greetingsStore(db: Db): Kept<GreetingFact, GreetingsRead> {
  const add = db.prepare('INSERT INTO greetings (id, peer, words, at) VALUES (?, ?, ?, ?)')
  const count = db.prepare('UPDATE greetings SET letters = ? WHERE id = ?')
  const all = db.prepare('SELECT * FROM greetings ORDER BY at')
  const one = db.prepare('SELECT * FROM greetings WHERE id = ?')
  const uncounted = db.prepare('SELECT * FROM greetings WHERE letters IS NULL ORDER BY at LIMIT 1')
  return {
    apply: applyBy<GreetingFact>({
      'greetings.heard': ({ greeting: { id, peer, words, atMs } }) => void add.run(id, peer, words, atMs),
      'greetings.counted': ({ id, letters }) => void count.run(letters, id),
    }),
    read: {
      all: () => all.all().map(asGreeting),
      greeting: id => one.all(id).map(asGreeting)[0],
      uncounted: () => uncounted.all().map(asGreeting)[0],
    },
  }
}

function asGreeting(row: Record<string, unknown>): Greeting {
  return {
    id: String(row['id']),
    peer: row['peer'] as PeerId,
    words: String(row['words']),
    atMs: Number(row['at']),
    ...(row['letters'] === null ? {} : { letters: Number(row['letters']) }),
  }
}

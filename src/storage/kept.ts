import type { DatabaseSync } from 'node:sqlite'

/** What a domain's store may do with the database: its statements are run inside the writes of others. */
export type Db = Pick<DatabaseSync, 'prepare'>

/** What a domain's store is given beside the database. */
export interface StoreTools {
  now(): number
  /** At most so many entries; what a write changes in it is undone with the write. */
  memory<Key, Value>(most: number): Map<Key, Value>
  /** For memory of other shapes: takes back the change just made, should the write be undone. */
  undo(act: () => void): void
  /** Counts what has changed in the store's memory; what was taken back has changed too. */
  changes(): number
}

/** What a domain keeps: rows of its own, and memory that follows them. */
export interface Kept<Fact, Read> {
  /** All that the domain's own code sees. */
  readonly read: Read
  /** The only place where rows and memory change. */
  apply(fact: Fact): void
  /** Forgets what is too old, at most so many rows. True: more is left. */
  forget?(nowMs: number, atMost: number): boolean
}

/** A writer for each kind of fact. */
export type Writers<Fact extends { readonly kind: string }> = {
  readonly [Kind in Fact['kind']]: (fact: Extract<Fact, { kind: Kind }>) => void
}

export function applyBy<Fact extends { readonly kind: string }>(writers: Writers<Fact>): (fact: Fact) => void {
  return fact => (writers[fact.kind as Fact['kind']] as (fact: Fact) => void)(fact)
}

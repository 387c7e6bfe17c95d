/** How memory that stands for rows goes back with them, when the write that changed both is undone. */
export interface UndoLog {
  /** Called while writing: what takes back the change just made. Outside of a write there is nothing to take back. */
  note(act: () => void): void
  /** Where a write begins. */
  mark(): number
  /** Takes back what was noted since, the newest first. */
  backTo(mark: number): void
  /** The writes are on the disk. */
  forget(): void
  /** Counts what was noted. */
  changes(): number
}

export function createUndoLog(isWriting: () => boolean): UndoLog {
  let acts: (() => void)[] = []
  let changes = 0
  return {
    note(act) {
      changes++
      if (isWriting()) acts.push(act)
    },
    mark: () => acts.length,
    backTo(mark) {
      for (const act of acts.splice(mark).reverse()) act()
    },
    forget() {
      acts = []
    },
    changes: () => changes,
  }
}

/** A map of at most `most` entries, the oldest of which goes first. What a write changes in it is undone with the write. */
export function rolledBackMap<Key, Value>(most: number, note: UndoLog['note']): Map<Key, Value> {
  return new RolledBackMap<Key, Value>(most, note)
}

class RolledBackMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number
  readonly #note: UndoLog['note']
  /** When each entry was set last: where it stands among the others. */
  readonly #ages = new Map<Key, number>()
  #sets = 0

  constructor(most: number, note: UndoLog['note']) {
    super()
    this.#most = most
    this.#note = note
  }

  override set(key: Key, value: Value): this {
    this.#noteBefore(key)
    this.#put(key, value, this.#sets++)
    while (this.size > this.#most) this.delete(this.keys().next().value as Key)
    return this
  }

  override delete(key: Key): boolean {
    if (!this.has(key)) return false
    this.#noteBefore(key)
    return this.#remove(key)
  }

  override clear(): void {
    for (const key of [...this.keys()]) this.delete(key)
  }

  #noteBefore(key: Key): void {
    const age = this.#ages.get(key)
    const before = this.get(key)
    this.#note(() => {
      if (age === undefined) this.#remove(key)
      else this.#putBack(key, before as Value, age)
    })
  }

  /** At its old place: the oldest must stay the first to go. */
  #putBack(key: Key, value: Value, age: number): void {
    const younger = [...this].filter(([other]) => other !== key && this.#ageOf(other) > age)
    this.#put(key, value, age)
    for (const [other, its] of younger) this.#put(other, its, this.#ageOf(other))
  }

  #put(key: Key, value: Value, age: number): void {
    super.delete(key)
    super.set(key, value)
    this.#ages.set(key, age)
  }

  #remove(key: Key): boolean {
    this.#ages.delete(key)
    return super.delete(key)
  }

  #ageOf(key: Key): number {
    return this.#ages.get(key) ?? 0
  }
}

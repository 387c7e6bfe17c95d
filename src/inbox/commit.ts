import type { Log } from '../kernel/log.ts'
import type { Commit, Draft } from '../kernel/outcome.ts'

/** Where outcomes become durable. */
export interface CommitDeps<Fact> {
  readonly storage: {
    write<T>(work: () => T): Promise<T>
    apply(facts: readonly Fact[]): void
  }
  /** Keeps messages to send; called inside the transaction. */
  readonly keep: (drafts: readonly Draft[]) => void
  /** Called after the commit. */
  readonly wake: () => void
  readonly committed: (facts: readonly Fact[]) => void
  readonly log: Log
}

export function createCommit<Fact>({ storage, keep, wake, committed, log }: CommitDeps<Fact>): Commit<Fact> {
  return async decide => {
    const outcome = await storage.write(() => {
      const decided = decide()
      storage.apply(decided.facts)
      keep(decided.messages)
      return decided
    })
    if (outcome.messages.length > 0) wake()
    try {
      if (outcome.facts.length > 0) committed(outcome.facts)
    } catch (error) {
      log.error({ err: error }, 'an observer failed after a commit')
    }
    return outcome
  }
}

import { CodedError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Answer, Draft, Outcome } from '../kernel/outcome.ts'

/** A fact as the daemon sees it: whose it is, and nothing else. */
export interface AnyFact {
  readonly kind: string
}

/** Where outcomes become durable. */
export interface CommitDeps {
  readonly write: <T>(work: () => T) => Promise<T>
  /** Inside the transaction. */
  readonly apply: (facts: readonly AnyFact[]) => void
  /** Keeps messages to send; inside the transaction. */
  readonly keep: (drafts: readonly Draft[]) => void
  /** Counts what has changed in memory that follows the commit. */
  readonly memoryChanges: () => number
  /** A decision has changed something; inside the transaction, which may still be undone. */
  readonly changed: () => void
  /** After the transaction. */
  readonly wake: (drafts: readonly Draft[]) => void
  readonly kept: (facts: readonly AnyFact[]) => void
  readonly log: Log
}

/** Facts and messages of a decision become true together, or not at all. */
export type AnyCommit = <O extends Outcome<unknown>>(decide: () => O) => Promise<O>

export function createCommit(deps: CommitDeps): AnyCommit {
  return async decide => {
    const outcome = await deps.write(() => {
      const before = deps.memoryChanges()
      const decided = decide()
      deps.apply(decided.facts as readonly AnyFact[])
      deps.keep(decided.messages)
      const changed = decided.facts.length + decided.messages.length > 0 || deps.memoryChanges() !== before
      if (changed) deps.changed()
      return decided
    })
    if (outcome.messages.length > 0) deps.wake(outcome.messages)
    try {
      deps.kept(outcome.facts as readonly AnyFact[])
    } catch (error) {
      deps.log.error({ err: error }, 'an observer failed after a commit')
    }
    return outcome
  }
}

/** @throws CodedError when it is a refusal */
export function requireTaken(answer: Answer): void {
  if (answer.status === 'ACK') return
  const { code, message, details } = answer.error
  throw new CodedError(code, message, details === undefined ? {} : { details })
}

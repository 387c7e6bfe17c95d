import type { Commit } from '../../../kernel/outcome.ts'
import type { KnowledgeFact } from '../collection.ts'
import { keep } from '../keep.ts'

export interface Sweep {
  /** Takes away what was dropped. Resolves when nothing of it is left. */
  now(): Promise<void>
  /** At the start, before anything is read: drops what the last life left half done. Sweeping it may take minutes. */
  mark(): Promise<void>
  /** Ends a sweep between two commits; the rest is for the next life. */
  stop(): Promise<void>
}

/** Removed at a time: about 20 ms of the event loop. */
const SECTIONS_A_COMMIT = 4

/** Documents looked at in one turn of the event loop. */
const PAGE = 500

export function createSweep(deps: {
  readonly store: { dropped(limit: number): string[]; debris(): string[] }
  readonly commit: Commit<KnowledgeFact>
}): Sweep {
  const { store, commit } = deps
  let sweeping: Promise<void> | undefined
  let stopped = false

  async function sweepAll(): Promise<void> {
    for (let ids = store.dropped(PAGE); ids.length > 0 && !stopped; ids = store.dropped(PAGE)) {
      for (const document of ids) {
        if (stopped) return
        await keep(commit, { kind: 'knowledge.swept', document, sections: SECTIONS_A_COMMIT })
      }
    }
  }

  async function now(): Promise<void> {
    // One that runs may have passed what was dropped since.
    await sweeping
    sweeping ??= sweepAll().finally(() => {
      sweeping = undefined
    })
    await sweeping
  }

  return {
    now,
    async mark() {
      const facts = store.debris().map((document): KnowledgeFact => ({ kind: 'knowledge.dropped', document }))
      if (facts.length > 0) await keep(commit, ...facts)
    },
    async stop() {
      stopped = true
      // Whoever began it hears of its failure.
      await sweeping?.catch(() => undefined)
    },
  }
}

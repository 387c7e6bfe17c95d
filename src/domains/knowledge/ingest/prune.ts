import { isAbsolute, relative } from 'node:path'
import type { Commit } from '../../../kernel/outcome.ts'
import type { KnowledgeFact, KnownDocument } from '../collection.ts'
import { keep } from '../keep.ts'
import type { Tally } from './job.ts'
import type { Walked } from './walk.ts'

export interface PruneDeps {
  readonly store: { documents(collection: string, path: string, limit: number): KnownDocument[] }
  readonly commit: Commit<KnowledgeFact>
}

/** Documents looked at in one turn of the event loop. */
const PAGE = 500

/** Drops what was read below the roots and is there no longer; what could not be looked at stays. */
export async function prune({ store, commit }: PruneDeps, walked: Walked, tally: Tally): Promise<void> {
  const there = new Set(walked.files.map(({ path }) => path))
  let page = store.documents(tally.collection, '', PAGE)
  while (page.length > 0) {
    const gone = page.filter(({ path }) => !there.has(path) && wasLookedAt(path, walked))
    await keep(commit, ...gone.map(({ id }): KnowledgeFact => ({ kind: 'knowledge.dropped', document: id })))
    tally.removed += gone.length
    page = store.documents(tally.collection, page.at(-1)?.path ?? '', PAGE)
  }
}

function wasLookedAt(path: string, { roots, passed }: Walked): boolean {
  return roots.some(root => isWithin(path, root)) && passed.every(other => !isWithin(path, other.path))
}

function isWithin(path: string, root: string): boolean {
  const way = relative(root, path)
  return way === '' || !(way.startsWith('..') || isAbsolute(way))
}

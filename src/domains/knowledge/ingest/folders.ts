import { type Access, accessOf, PRIVATE } from '../collection.ts'
import { keep } from '../keep.ts'
import { inParallel } from '../parallel.ts'
import { createIntake, type IntakeDeps } from './intake.ts'
import { type IngestRequest, noteSkipped, type Tally } from './job.ts'
import { type PruneDeps, prune } from './prune.ts'
import { walk } from './walk.ts'

export interface FolderDeps extends IntakeDeps {
  readonly store: IntakeDeps['store'] & PruneDeps['store']
  /** Files of such a collection at work at a time: while one is read, another is encoded. */
  readonly width: (access: Access) => number
  /** Who may read a collection has changed. */
  readonly accessChanged: () => void
}

/** Reads folders into a collection, until it holds what they hold. */
export function createFolderReader(deps: FolderDeps) {
  const intake = createIntake(deps)

  return async (request: IngestRequest, tally: Tally, signal: AbortSignal): Promise<void> => {
    await setAccess(deps, request)
    const walked = await walk(request.paths, signal)
    for (const passed of walked.passed) noteSkipped(tally, passed)
    tally.files = walked.files.length
    tally.bytes = walked.files.reduce((sum, file) => sum + file.bytes, 0)
    await inParallel(
      walked.files,
      () => deps.width(accessOf(request.collection, deps.store.accessLists())),
      async file => {
        signal.throwIfAborted()
        await intake.take(file, tally, signal)
        tally.done += 1
        tally.doneBytes += file.bytes
      },
    )
    await prune(deps, walked, tally)
  }
}

/** Of a new collection, or where the request says: others keep theirs. */
async function setAccess(deps: FolderDeps, { collection, access }: IngestRequest): Promise<void> {
  const isNew = deps.store.accessLists().every(({ name }) => name !== collection)
  if (!isNew && access === undefined) return
  await keep(deps.commit, { kind: 'knowledge.access', collection, access: access ?? PRIVATE })
  deps.accessChanged()
}

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** On the disk of the checkout: the folder for temporary files is often memory, where durable costs nothing. */
const CACHE = join(import.meta.dirname, '..', '..', 'node_modules', '.cache')

export interface Scratch extends Disposable {
  readonly folder: string
}

/** A folder of this run, gone at the end of its scope or of the process. */
export function openScratch(): Scratch {
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'wattmesh-bench-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  return {
    folder,
    [Symbol.dispose]() {
      process.off('exit', remove)
      remove()
    },
  }
}

import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { promisify } from 'node:util'
import { messageOf } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'

const run = promisify(execFile)

export interface IdleIoDeps {
  /** The nice level of worker threads, by which they are told from all other threads of this process. */
  readonly nice: number
  readonly log: Log
  /** Of this process. */
  readonly threadsFolder?: string
  readonly setIdle?: (threadIds: readonly string[]) => Promise<void>
}

/**
 * Gives the disk to worker threads only when nobody else wants it (Linux: I/O class `idle`). The system knows a thread
 * by an id that Node does not tell; but the pool has stepped its threads back by `nice`, and nothing else here has.
 * Best effort: where `ionice` is missing or forbidden, that is said once and not tried again.
 * @returns to be called while work runs, for the pool starts threads when it needs them
 */
export function createIdleIo({ nice, log, ...deps }: IdleIoDeps): () => Promise<void> {
  const folder = deps.threadsFolder ?? '/proc/self/task'
  const setIdle = deps.setIdle ?? ionice
  let done = new Set<string>()
  let works = deps.threadsFolder !== undefined || (platform() === 'linux' && nice > 0)

  return async () => {
    if (!works) return
    try {
      const workers = await steppedBack(folder, nice)
      const fresh = workers.filter(id => !done.has(id))
      if (fresh.length > 0) await setIdle(fresh)
      done = new Set(workers)
    } catch (error) {
      works = false
      log.info({ reason: messageOf(error) }, 'the disk is shared evenly with tasks: their I/O class could not be set')
    }
  }
}

async function ionice(threadIds: readonly string[]): Promise<void> {
  await run('ionice', ['-c', '3', '-p', ...threadIds], { timeout: 2_000 })
}

async function steppedBack(folder: string, nice: number): Promise<string[]> {
  const ids = await readdir(folder)
  const levels = await Promise.all(ids.map(id => niceOf(`${folder}/${id}/stat`)))
  return ids.filter((_, index) => levels[index] === nice)
}

/** Field 19 of `proc_pid_stat(5)`, counted after the name, which may hold anything but ends with the last bracket. */
async function niceOf(statFile: string): Promise<number | undefined> {
  const text = await readFile(statFile, 'utf8').catch(() => '')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.length < 17 ? undefined : Number(fields[16])
}

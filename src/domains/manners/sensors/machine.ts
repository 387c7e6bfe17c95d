import { readFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import type { Machine } from '../conditions.ts'

const BYTES_OF_MB = 2 ** 20

/** What the machine is, or the part of it that a container may use. */
export async function openMachine(
  { maxThreads, threadMemoryMb }: Pick<Machine, 'maxThreads' | 'threadMemoryMb'>,
  memoryMaxFile = '/sys/fs/cgroup/memory.max',
): Promise<Machine> {
  // `max` where there is no limit, which is no number; and no file outside of Linux.
  const limit = Number.parseInt(await readFile(memoryMaxFile, 'utf8').catch(() => ''), 10)
  const bytes = limit > 0 ? Math.min(totalmem(), limit) : totalmem()
  return { cores: availableParallelism(), memoryMb: Math.floor(bytes / BYTES_OF_MB), maxThreads, threadMemoryMb }
}

/** Minutes since midnight where this machine stands, from 0 to 1439. */
export function localMinuteOfDay(atMs: number): number {
  const local = new Date(atMs)
  return local.getHours() * 60 + local.getMinutes()
}

import { cpus, platform } from 'node:os'
import type { Clock } from '../../../kernel/clock.ts'
import { readMetered } from './metered-network.ts'
import { createProcessorProbe } from './processor.ts'
import type { Probes } from './sensors.ts'
import { readTemperature } from './temperature.ts'
import { readUserIdle } from './user-activity.ts'

/**
 * The real machine's. Each look costs a few file reads; whatever starts a process is asked at most every 15 s, or once a
 * minute where it seldom changes.
 * @param ownCpuMs processor time this process has used since its start, all threads together
 */
export function createProbes({ clock, ownCpuMs }: { clock: Clock; ownCpuMs: () => number }): Probes {
  const onLinux = platform() === 'linux'
  return {
    onBattery: { read: readBattery, everyMs: 15_000 },
    userIdleMs: { read: () => readUserIdle(clock.now()), everyMs: onLinux ? 0 : 15_000 },
    otherCpuPercent: { read: createProcessorProbe({ cpus, ownCpuMs }), everyMs: 0 },
    temperatureC: { read: readTemperature, everyMs: 15_000 },
    metered: { read: readMetered, everyMs: 60_000 },
  }
}

/** Undefined where there is no battery to speak of: a desktop, a container. */
async function readBattery(): Promise<boolean | undefined> {
  // 2 MB of code that only a working peer needs.
  const { battery } = await import('systeminformation')
  const { hasBattery, acConnected } = await battery()
  return hasBattery ? !acConnected : undefined
}

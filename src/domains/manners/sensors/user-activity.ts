import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** A terminal server has hundreds of terminals; the newest of this many is near enough. */
const maxDevices = 512

/** Since somebody last touched this machine, in milliseconds; undefined where the system does not tell (Windows). */
export async function readUserIdle(nowMs: number): Promise<number | undefined> {
  if (platform() === 'linux') return idleOfDevices('/dev', nowMs)
  if (platform() === 'darwin') return idleOfMac()
  return undefined
}

/**
 * The newest access to a terminal or an input device: typing into a terminal, local or remote, reads it. Devices keep
 * their access times whatever the mount options of disks are.
 */
export async function idleOfDevices(folder: string, nowMs: number): Promise<number | undefined> {
  const names = await Promise.all([
    devices(folder, '', /^tty/),
    devices(folder, 'pts', /^\d+$/),
    devices(folder, 'input', /^(event|mouse|mice)/),
  ])
  const times = await Promise.all(
    names
      .flat()
      .slice(0, maxDevices)
      .map(file =>
        stat(file).then(
          ({ atimeMs }) => atimeMs,
          () => undefined,
        ),
      ),
  )
  const known = times.filter(atimeMs => atimeMs !== undefined)
  return known.length === 0 ? undefined : Math.max(0, Math.round(nowMs - Math.max(...known)))
}

async function devices(folder: string, under: string, wanted: RegExp): Promise<string[]> {
  const path = join(folder, under)
  const names = await readdir(path).catch(() => [])
  return names.filter(name => wanted.test(name)).map(name => join(path, name))
}

async function idleOfMac(): Promise<number | undefined> {
  const { stdout } = await run('ioreg', ['-c', 'IOHIDSystem', '-d', '4'], { timeout: 2_000, maxBuffer: 4 * 2 ** 20 })
  return hidIdleMs(stdout)
}

/** `"HIDIdleTime" = 1234567890`: nanoseconds, of several devices; the least counts. */
export function hidIdleMs(text: string): number | undefined {
  const idle = Array.from(text.matchAll(/"HIDIdleTime"\s*=\s*(\d+)/g), ([, nanoseconds]) => Number(nanoseconds) / 1e6)
  return idle.length === 0 ? undefined : Math.round(Math.min(...idle))
}

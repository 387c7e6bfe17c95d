import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, loadConfig } from '../../config/config.ts'
import { exposure, KEY_FILE, openSeed } from '../../config/identity.ts'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import { passphraseOf } from '../run/passphrase.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { bytes } from '../terminal/units.ts'
import { type Finding, ok, problem, skipped, warning } from './finding.ts'

/** Below the one the next days are at risk, below the other the next writes. */
const LOW_BYTES = 500e6
const FULL_BYTES = 50e6

export function checkKey(home: string, terminal: Terminal): Finding {
  const file = join(home, KEY_FILE)
  if (!existsSync(file))
    return warning('key', `there is no key in ${home} yet`, 'run "wattmesh init", or "wattmesh run"')
  try {
    const exposed = exposure(file)
    if (exposed !== undefined) return failed('key', exposed)
    openSeed(home, passphraseOf(terminal))
    return ok('key', `${file} is whole, and only you can read it`)
  } catch (error) {
    // The daemon may have been given the passphrase by its service.
    if (error instanceof CodedError && error.code === 'KEY_LOCKED') {
      return skipped('key', 'it is encrypted, and WATTMESH_PASSPHRASE is not set here; only you can read it')
    }
    return failed('key', error)
  }
}

export function checkConfig(home: string, terminal: Terminal): { finding: Finding; config: Config | undefined } {
  try {
    const config = loadConfig(home, terminal.env)
    const where = existsSync(config.file) ? `${config.file} can be read` : 'no config.toml; the defaults hold'
    return { finding: ok('config', where), config }
  } catch (error) {
    return { finding: failed('config', error), config: undefined }
  }
}

export function checkDisk(home: string): Finding {
  const place = existingPart(home)
  const { bavail, bsize } = statfsSync(place)
  const free = bavail * bsize
  const fix = `free some space on the disk of ${place}, or lower storage.journalDays`
  if (free < FULL_BYTES) return problem('disk', `only ${bytes(free)} are free`, fix)
  try {
    accessSync(place, constants.W_OK)
  } catch {
    return problem('disk', `this user may not write to ${place}`, 'change its owner, or choose another with --home')
  }
  return free < LOW_BYTES ? warning('disk', `only ${bytes(free)} are free`, fix) : ok('disk', `${bytes(free)} are free`)
}

function existingPart(path: string): string {
  return existsSync(path) ? path : existingPart(dirname(path))
}

function failed(check: string, error: unknown): Finding {
  const hint = error instanceof CodedError ? error.hint : undefined
  return problem(check, messageOf(error), hint ?? 'change its owner or mode so that this user can read it')
}

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** From WATTMESH_PASSPHRASE, or the file that WATTMESH_PASSPHRASE_FILE names, without the line end an editor adds. */
export function passphraseOf({ env, cwd }: Terminal): string | undefined {
  const said = env['WATTMESH_PASSPHRASE']
  if (said !== undefined && said !== '') return said
  const file = env['WATTMESH_PASSPHRASE_FILE']
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(resolve(cwd, file), 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new CodedError('CLI_PASSPHRASE_FILE', `cannot read WATTMESH_PASSPHRASE_FILE: ${messageOf(error)}`, {
      hint: 'name a file that this user may read, or set WATTMESH_PASSPHRASE',
      cause: error,
    })
  }
}

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** The text of a file. Old collections are older than UTF-8. @throws CLI_BAD_FILE */
export function readText({ cwd }: Pick<Terminal, 'cwd'>, file: string): string {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(resolve(cwd, file))
  } catch (cause) {
    throw new CodedError('CLI_BAD_FILE', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

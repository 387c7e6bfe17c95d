import { styleText } from 'node:util'
import { CodedError, codeOf, messageOf } from '../../kernel/errors.ts'
import { plainText } from './table.ts'
import type { Terminal } from './terminal.ts'

/** What the system says too tersely for a person. */
const SYSTEM_HINTS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use it; change its owner or mode, or choose another data directory with --home',
  EPERM: 'this user may not use it; change its owner or mode, or choose another data directory with --home',
  EROFS: 'that file system can only be read; choose another data directory with --home',
  ENOSPC: 'the disk is full; free some space and try again',
  ENOTDIR: 'part of that path is a file, not a directory; choose another with --home',
  EMFILE: 'too many files are open; raise the limit with "ulimit -n 4096"',
}

/** What went wrong, and what to do next. */
export function printFailure({ err, env }: Pick<Terminal, 'err' | 'env'>, error: unknown): void {
  const colour = { stream: err }
  err.write(`${styleText('red', 'wattmesh:', colour)} ${plainText(sentence(error))}\n`)
  const hint = hintOf(error)
  if (hint !== undefined) err.write(`  ${styleText('dim', '→', colour)} ${plainText(hint)}\n`)
  if (env['WATTMESH_LOG_LEVEL'] === 'debug' && error instanceof Error) err.write(`${error.stack}\n`)
}

function sentence(error: unknown): string {
  if (error instanceof CodedError || codeOf(error) !== undefined) return messageOf(error)
  return `something unexpected went wrong: ${messageOf(error)}`
}

function hintOf(error: unknown): string | undefined {
  if (error instanceof CodedError) return error.hint
  return SYSTEM_HINTS[codeOf(error) ?? ''] ?? 'this is a mistake in wattmesh; WATTMESH_LOG_LEVEL=debug shows where'
}

import { join, resolve } from 'node:path'
import type { Command } from 'commander'

/** What a command may know of the process it runs in. */
export interface Terminal {
  readonly out: NodeJS.WriteStream
  readonly err: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly pid: number
  /**
   * Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. Until somebody asks for it, a signal
   * ends the process as usual.
   */
  interrupted(): AbortSignal
  /** The command did not do what it was asked, and has said so. */
  fail(): void
}

/** Flag, then variable, then where the XDG base directory specification has data of a user. */
export function homeOf(program: Command, { env, cwd }: Terminal): string {
  const { home } = program.opts<{ home?: string }>()
  const chosen = home ?? env['WATTMESH_HOME']
  if (chosen !== undefined && chosen !== '') return resolve(cwd, chosen)
  const data = env['XDG_DATA_HOME']
  // The specification: a relative path is to be ignored.
  if (data?.startsWith('/') === true) return join(data, 'wattmesh')
  return join(env['HOME'] ?? cwd, '.local', 'share', 'wattmesh')
}

export function printLine(terminal: Terminal, line = ''): void {
  terminal.out.write(`${line}\n`)
}

export function printJson(terminal: Terminal, value: unknown): void {
  printLine(terminal, JSON.stringify(value, null, 2))
}

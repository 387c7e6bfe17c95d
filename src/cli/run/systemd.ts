import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'

const run = promisify(execFile)

/** Tells the service manager how far the daemon is, where there is one: Node has no datagram sockets of that kind. */
export async function tellSystemd(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  ...said: readonly string[]
): Promise<void> {
  if (env['NOTIFY_SOCKET'] === undefined) return
  try {
    await run('systemd-notify', said, { env: { ...env }, timeout: 2_000 })
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'systemd could not be told')
  }
}

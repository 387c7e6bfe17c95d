import type { ComponentLogger, Logger } from '@libp2p/interface'
import { messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'

/**
 * libp2p's failures, in our log at debug. Its ordinary chatter is dropped before it is formatted: a busy node says
 * thousands of lines a second.
 */
export function libp2pLog(log: Log): ComponentLogger {
  return { forComponent: name => logger(name, log) }
}

function logger(name: string, log: Log): Logger {
  const silent = (): void => {}
  return Object.assign(silent, {
    enabled: false,
    trace: silent,
    error: (format: unknown, ...args: unknown[]) =>
      log.debug({ component: name, reason: rendered(format, args) }, 'libp2p failed at something'),
    newScope: (scope: string) => logger(`${name}:${scope}`, log),
  })
}

/** libp2p's placeholders (%e error, %p peer id, %a address, %s, %d, …) all read well as plain text. */
function rendered(format: unknown, args: readonly unknown[]): string {
  if (typeof format !== 'string') return messageOf(format)
  const left = [...args]
  return format.replace(/%[a-zA-Z]/g, placeholder => (left.length === 0 ? placeholder : messageOf(left.shift())))
}

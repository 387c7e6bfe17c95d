import { type DestinationStream, pino } from 'pino'
import pretty from 'pino-pretty'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A constant message plus fields: `log.info({ peer }, 'peer connected')`. */
export interface Log {
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Log
}

/** JSON lines, or readable ones when a person is watching. */
export function createLog(options: { level: LogLevel; readable: boolean; destination: NodeJS.WritableStream }): Log {
  const stream: DestinationStream = options.readable
    ? pretty({
        colorize: true,
        ignore: 'pid,hostname,part',
        translateTime: 'SYS:HH:MM:ss',
        messageFormat: '{msg}',
        singleLine: true,
        destination: options.destination,
      })
    : options.destination
  return pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
}

export const silentLog: Log = pino({ level: 'silent' })

import { CodedError, messageOf } from '../kernel/errors.ts'

export type NetworkCode =
  | 'NET_ABORTED'
  | 'NET_BAD_ADDRESS'
  | 'NET_BAD_KEY'
  | 'NET_LISTEN_FAILED'
  | 'NET_PORT_IN_USE'
  | 'NET_STREAM_RESET'
  | 'NET_TIMEOUT'
  | 'NET_TOO_LARGE'
  | 'NET_UNKNOWN_TOPIC'
  | 'NET_UNREACHABLE'
  | 'NET_UNSUPPORTED'

/** libp2p tells its errors apart by name; the rest of a failed exchange is a stream that broke. */
const CODE_BY_NAME: Readonly<Record<string, NetworkCode>> = {
  TimeoutError: 'NET_TIMEOUT',
  AbortError: 'NET_ABORTED',
  InvalidDataLengthError: 'NET_TOO_LARGE',
  InvalidDataLengthLengthError: 'NET_TOO_LARGE',
  UnsupportedProtocolError: 'NET_UNSUPPORTED',
}

export function networkError(
  code: NetworkCode,
  message: string,
  more: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {},
): CodedError<NetworkCode> {
  return new CodedError(code, message, more)
}

/** Anything libp2p throws, as one of ours; `otherwise` is the code of what cannot be told apart. */
export function asNetworkError(error: unknown, otherwise: NetworkCode, details: Record<string, unknown>): CodedError {
  if (error instanceof CodedError) return error
  const code = (error instanceof Error ? CODE_BY_NAME[error.name] : undefined) ?? otherwise
  return networkError(code, messageOf(error), { details, cause: error })
}

/** A listener that failed: the port when that is what is wrong, else what libp2p says in its first useful line. */
export function listenError(error: unknown, addresses: readonly string[]): unknown {
  const text = messageOf(error)
  const taken = /EADDRINUSE[^\n]*?:(\d+)\s*$/m.exec(text)?.[1]
  if (taken !== undefined) {
    return networkError('NET_PORT_IN_USE', `port ${taken} is in use by another program`, {
      hint: `stop the other program (ss -ltnp 'sport = :${taken}' names it), or listen on another port: /ip4/0.0.0.0/tcp/0 takes a free one`,
      details: { port: Number(taken) },
      cause: error,
    })
  }
  if (!(error instanceof Error) || error.name !== 'UnsupportedListenAddressesError') return error
  const reason = /(E[A-Z]{3,}: [^\n]+)/.exec(text)?.[1] ?? 'no transport can listen there'
  return networkError('NET_LISTEN_FAILED', `cannot listen on ${addresses.join(', ')}: ${reason}`, {
    hint: 'give addresses of this machine, such as /ip4/0.0.0.0/tcp/4747; ports below 1024 need root',
    cause: error,
  })
}

/** Ends work in time, or when its caller gives up; to be disposed of when the work is over. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  /** The error to throw for what ended the work: our time-out and the caller's abort look alike to libp2p. */
  explain(error: unknown, otherwise: NetworkCode, details: Record<string, unknown>): CodedError
}

/**
 * One controller, held by its timer and by the caller's signal: of a signal made by `AbortSignal.any` nothing holds on to
 * the parts it hears.
 */
export function createDeadline(timeoutMs: number, outer?: AbortSignal): Deadline {
  const work = new AbortController()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    work.abort()
  }, timeoutMs)
  const giveUp = (): void => work.abort(outer?.reason)
  if (outer?.aborted === true) giveUp()
  outer?.addEventListener('abort', giveUp)
  return {
    signal: work.signal,
    explain(error, otherwise, details) {
      if (error instanceof CodedError) return error
      if (outer?.aborted === true)
        return networkError('NET_ABORTED', 'given up by the caller', { details, cause: error })
      if (!isLate) return asNetworkError(error, otherwise, details)
      return networkError('NET_TIMEOUT', `no answer within ${timeoutMs} ms`, { details, cause: error })
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', giveUp)
    },
  }
}

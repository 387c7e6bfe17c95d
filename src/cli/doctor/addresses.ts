import { connect, createServer } from 'node:net'

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** Host and port of a multiaddr over TCP: `/ip4/1.2.3.4/tcp/4747/…`, `/dns4/name/tcp/…`. */
export function tcpOf(address: string): TcpAddress | undefined {
  const [, host, port] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)(?:\/|$)/.exec(address) ?? []
  return host === undefined || port === undefined ? undefined : { host, port: Number(port) }
}

/** Undefined when something accepts a connection there, else why not. */
export function knock({ host, port }: TcpAddress, timeoutMs: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (reason: string | undefined) => {
      socket.destroy()
      resolve(reason)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end(`no answer within ${timeoutMs} ms`))
    socket.once('error', (error: NodeJS.ErrnoException) => end(REASONS[error.code ?? ''] ?? error.message))
  })
}

/** Undefined when a program may listen there, else the system's code. */
export function bindable({ host, port }: TcpAddress): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'there is no route to it',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name could not be looked up',
}

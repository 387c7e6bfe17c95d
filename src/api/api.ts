import { randomBytes } from 'node:crypto'
import fastify, { type FastifyInstance } from 'fastify'
import type { Served } from '../daemon/served.ts'
import { CodedError, codeOf } from '../kernel/errors.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import { type ApiCode, asApiError, bodyOf, statusOf } from './api-error.ts'
import { removeApiFile, writeApiFile } from './api-file.ts'
import { createGuard } from './guard.ts'
import { OPENAPI_PATH, openApiOf } from './openapi.ts'
import { addRoutes } from './routes.ts'

export interface ApiDeps {
  readonly home: string
  /** 0 takes a free one. */
  readonly port: number
  readonly pid: number
  readonly served: readonly Served[]
  /** Whether the daemon has started and is not about to stop. */
  readonly ready: () => boolean
  readonly log: Log
}

export interface Api extends Part {
  start(): Promise<void>
  stop(): Promise<void>
  /** Where it listens; 0 before the start. */
  port(): number
}

const HOST = '127.0.0.1'
const MAX_BODY_BYTES = 64 * 1024 * 1024

/** The daemon's local door: for this machine only, and only for who can read the data directory. */
export function createApi({ home, port, pid, served, ready, log }: ApiDeps): Api {
  const token = randomBytes(32).toString('base64url')
  let listening = 0
  const server = fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true })
  // JSON alone: a form or plain text is what a web page can send without asking.
  server.removeContentTypeParser('text/plain')
  const guard = createGuard(token, () => listening)
  server.addHook('onRequest', async request => guard(request))
  answerErrors(server, log)
  server.get('/healthz', async () => ({ running: true }))
  server.get('/readyz', async (_, reply) => reply.status(ready() ? 200 : 503).send({ ready: ready() }))
  // Making it takes a moment, and it stays the same.
  let document: object | undefined
  server.get(OPENAPI_PATH, async () => {
    document ??= openApiOf(served)
    return document
  })
  addRoutes(server, served, log)

  return {
    name: 'api',
    port: () => listening,
    async start() {
      try {
        listening = Number(new URL(await server.listen({ host: HOST, port })).port)
      } catch (error) {
        throw listenError(error, port)
      }
      writeApiFile(home, { port: listening, token, pid })
    },
    async stop() {
      removeApiFile(home)
      await server.close()
    },
  }
}

function answerErrors(server: FastifyInstance, log: Log): void {
  server.setErrorHandler((thrown, request, reply) => {
    const error = asApiError(thrown)
    const status = statusOf(error)
    const { code } = error
    if (status === 500 && !reply.raw.destroyed)
      log.error({ path: request.url, code, error: error.cause }, 'a request to the API failed')
    else log.debug({ path: request.url, code }, 'a request to the API was refused')
    void reply.status(status).send(bodyOf(error))
  })
  server.setNotFoundHandler((request, reply) => {
    const error = new CodedError<ApiCode>('API_NOT_FOUND', `there is no ${request.method} ${request.url}`)
    void reply.status(statusOf(error)).send(bodyOf(error))
  })
}

function listenError(error: unknown, port: number): unknown {
  if (codeOf(error) !== 'EADDRINUSE') return error
  return new CodedError<ApiCode>('API_PORT_IN_USE', `port ${port} of the local API is in use by another program`, {
    hint: 'set api.port to 0, which takes a free one, or stop the other program',
    cause: error,
  })
}

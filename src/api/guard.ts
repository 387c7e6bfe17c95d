import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { CodedError } from '../kernel/errors.ts'
import type { ApiCode } from './api-error.ts'

/** What a supervisor may ask without the token: it learns nothing but whether the daemon lives. */
export const OPEN_PATHS: readonly string[] = ['/healthz', '/readyz']

/**
 * Who may come in. A page in a browser can reach 127.0.0.1, and DNS rebinding makes it look like the page's own site:
 * such a request names the site in `Host`, so only our own names are taken.
 */
export function createGuard(token: string, port: () => number): (request: FastifyRequest) => void {
  const expected = digest(`Bearer ${token}`)

  return request => {
    const hosts = ['127.0.0.1', 'localhost'].map(name => `${name}:${port()}`)
    if (!hosts.includes(request.headers.host ?? '')) {
      throw new CodedError<ApiCode>('API_WRONG_HOST', 'this API answers only to its own address', {
        hint: `ask http://${hosts[0]}`,
      })
    }
    const path = request.url.split('?', 1)[0] ?? ''
    if (OPEN_PATHS.includes(path)) return
    // Digests are of one length, so the comparison takes the same time whatever was sent.
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return
    throw new CodedError<ApiCode>('API_UNAUTHORIZED', 'the token is missing or wrong', {
      hint: 'send "Authorization: Bearer <token>"; the token is in api.json in the data directory',
    })
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

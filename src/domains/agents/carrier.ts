import type { PeerId } from '../../kernel/ids.ts'
import { a2aError } from './error.ts'
import { decodeAnswer, encodeRequest } from './frame.ts'

export interface RequestOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** One message to a peer, one answer from it, on the A2A stream protocol. Rejects when there is none in time. */
export type SendRequest = (peer: PeerId, bytes: Uint8Array, options: RequestOptions) => Promise<Uint8Array>

/** Statuses whose answers have no body, not even an empty one, for the Response of the platform. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * `fetch` for the SDK's client, over a stream to one peer. Any other address is refused: a peer's card says where to
 * ask it, and must not make us ask somebody else, on the web least of all.
 */
export function createFetch(send: SendRequest, peer: PeerId, options: RequestOptions): typeof fetch {
  return async (input, init) => {
    const request = new URL(input instanceof Request ? input.url : input)
    if (request.protocol !== 'libp2p:' || request.host !== peer) {
      throw a2aError(
        'A2A_WRONG_PEER',
        `its agent card points to ${request.href.slice(0, 120)}, which is not this peer`,
        {
          details: { peer },
        },
      )
    }
    const asked = encodeRequest({
      method: init?.method === 'POST' ? 'POST' : 'GET',
      path: `${request.pathname}${request.search}`,
      headers: Object.fromEntries(new Headers(init?.headers)),
      body: typeof init?.body === 'string' ? init.body : '',
    })
    const { status, headers, body } = decodeAnswer(await send(peer, asked, withSignal(options, init?.signal)))
    return new Response(WITHOUT_BODY.has(status) ? null : body, { status, headers })
  }
}

function withSignal(options: RequestOptions, more: AbortSignal | null | undefined): RequestOptions {
  const signals = [options.signal, more].filter(signal => signal !== undefined && signal !== null)
  return signals.length === 0 ? options : { ...options, signal: AbortSignal.any(signals) }
}

import { CodedError, codeOf, messageOf } from '../kernel/errors.ts'
import type { ApiCode } from './api-error.ts'
import { readApiFile } from './api-file.ts'
import { codedError, errorSchema, throwReason } from './broken-off.ts'

/** Asks a running daemon over its local API. What it refuses is thrown with its own code, message and hint. */
export interface Client {
  /** @param path with its query: `/v1/trades?limit=10` */
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  /** An answer of lines of JSON, each read when its turn comes. What breaks it off in the daemon is thrown as it is. */
  lines<T>(path: string): AsyncGenerator<T, void>
  /** What is not JSON: the metrics. */
  getText(path: string): Promise<string>
}

/** @throws API_NO_DAEMON, here or at the first request */
export function openClient(home: string): Client {
  const file = readApiFile(home)
  if (file === undefined) throw noDaemon(home)
  const base = `http://127.0.0.1:${file.port}`
  const authorization = `Bearer ${file.token}`

  /** All of it, or as it comes in pieces. */
  async function read<T>(path: string, request: RequestInit, take: (response: Response) => Promise<T>): Promise<T> {
    let response: Response
    let taken: T | string
    try {
      response = await fetch(base + path, request)
      taken = response.ok ? await take(response) : await response.text()
    } catch (error) {
      throw unanswered(home, error)
    }
    // A killed daemon's port may belong to another one by now.
    if (response.status === 401) throw noDaemon(home)
    if (!response.ok) throw refusal(String(taken), response.status)
    return taken as T
  }

  const textOf = (path: string, request: RequestInit) => read(path, request, response => response.text())

  async function* lines<T>(path: string): AsyncGenerator<T, void> {
    const body = await read(path, { headers: { authorization } }, async response => response.body)
    try {
      for await (const text of linesOf(body ?? [])) {
        const line: unknown = JSON.parse(text)
        throwReason(line)
        yield line as T
      }
    } catch (error) {
      throw error instanceof CodedError ? error : unanswered(home, error)
    }
  }

  const ask = async <T>(path: string, request: RequestInit): Promise<T> => JSON.parse(await textOf(path, request)) as T

  return {
    lines,
    getText: path => textOf(path, { headers: { authorization } }),
    get: path => ask(path, { headers: { authorization } }),
    post: (path, body) =>
      ask(path, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  }
}

/** @param pieces of UTF-8, cut anywhere */
async function* linesOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let begun: string[] = []
  for await (const piece of pieces) {
    const [first = '', ...others] = decoder.decode(piece, { stream: true }).split('\n')
    begun.push(first)
    for (const next of others) {
      yield begun.join('')
      begun = [next]
    }
  }
}

function noDaemon(home: string): CodedError<ApiCode> {
  return new CodedError('API_NO_DAEMON', `no daemon is running for ${home}`, { hint: 'start it with "wattmesh run"' })
}

function unanswered(home: string, error: unknown): CodedError<ApiCode> {
  const cause = error instanceof Error ? error.cause : undefined
  if (codeOf(cause) === 'ECONNREFUSED') return noDaemon(home)
  return new CodedError('API_BROKEN', `the daemon did not answer: ${messageOf(cause ?? error)}`, {
    hint: 'it may just have stopped; see "wattmesh doctor"',
    cause: error,
  })
}

function refusal(text: string, status: number): CodedError {
  const body = errorSchema.safeParse(parsed(text)).data
  if (body === undefined) return new CodedError<ApiCode>('API_BROKEN', `the daemon answered with status ${status}`)
  return codedError(body)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

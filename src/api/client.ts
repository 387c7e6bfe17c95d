import { type CallOptions, type Client, type Command, callsOf, routeOf } from '../daemon/command.ts'
import { CodedError, codeOf, messageOf } from '../kernel/errors.ts'
import type { ApiCode } from './api-error.ts'
import { readApiFile } from './api-file.ts'
import { codedError, errorSchema, throwReason } from './broken-off.ts'

export type { Client } from '../daemon/command.ts'

/** A command as somebody asks it of the daemon. */
interface Asked {
  readonly command: Command
  readonly given: object
  readonly signal: AbortSignal | undefined
}

/** Where the daemon of a home answers, and whom. */
interface Door {
  readonly home: string
  readonly base: string
  readonly authorization: string
}

/**
 * Asks a running daemon over its local API. What it refuses is thrown with its own code, message and hint; so is what
 * breaks lines off in the daemon.
 * @throws API_NO_DAEMON, here or at the first request
 */
export function openClient(home: string): Client {
  const file = readApiFile(home)
  if (file === undefined) throw noDaemon(home)
  const door: Door = { home, base: `http://127.0.0.1:${file.port}`, authorization: `Bearer ${file.token}` }
  return {
    of: commands =>
      callsOf(commands, command => (given = {}, { signal }: CallOptions = {}) => {
        const asked: Asked = { command, given, signal }
        return command.stream === true ? linesOf(asked, door) : answerOf(asked, door)
      }),
  }
}

async function answerOf(asked: Asked, door: Door): Promise<unknown> {
  const text = await read(asked, door, response => response.text())
  return told(asked.command, asked.command.contentType === undefined ? JSON.parse(text) : text)
}

/** Each line is read when its turn comes. */
async function* linesOf(asked: Asked, door: Door): AsyncGenerator<unknown, void> {
  const body = await read(asked, door, async response => response.body ?? new Blob().stream())
  try {
    for await (const text of textLines(body)) {
      const line: unknown = JSON.parse(text)
      throwReason(line)
      yield told(asked.command, line)
    }
  } catch (error) {
    asked.signal?.throwIfAborted()
    throw error instanceof CodedError ? error : unanswered(door.home, error)
  }
}

/** All of it, or as it comes in pieces. */
async function read<T>(asked: Asked, door: Door, take: (response: Response) => Promise<T>): Promise<T> {
  const { command, given, signal } = asked
  const { home, base, authorization } = door
  const { path, ...request } = requestOf(command, given)
  let response: Response
  let taken: T | undefined
  let refused = ''
  try {
    const headers = { authorization, ...request.headers }
    response = await fetch(base + path, { ...request, headers, signal: signal ?? null })
    if (response.ok) taken = await take(response)
    else refused = await response.text()
  } catch (error) {
    signal?.throwIfAborted()
    throw unanswered(home, error)
  }
  // A killed daemon's port may belong to another one by now.
  if (response.status === 401) throw noDaemon(home)
  if (taken === undefined) throw refusal(refused, response.status)
  return taken
}

interface HttpRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers?: { readonly 'content-type': string }
  readonly body?: string
}

/** What the path does not name goes into the query of a GET, else into the body. */
function requestOf(command: Command, given: object): HttpRequest {
  const { method, path, names } = routeOf(command)
  const fields = new Map<string, unknown>(Object.entries(given))
  const named = path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(fields.get(name))))
  const rest = [...fields].filter(([name, value]) => !names.includes(name) && value !== undefined)
  if (method === 'GET') {
    const query = new URLSearchParams(rest.map(([name, value]) => [name, String(value)])).toString()
    return { method, path: query === '' ? named : `${named}?${query}` }
  }
  return {
    method,
    path: named,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(rest)),
  }
}

/** @throws API_BROKEN */
function told({ output }: Command, value: unknown): unknown {
  const read = output.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const where = issue?.path.join('.') ?? ''
  throw new CodedError<ApiCode>(
    'API_BROKEN',
    `the daemon's answer is another than expected: ${where}: ${issue?.message}`,
    {
      hint: 'it may be of another version; stop it and start it again',
      cause: read.error,
    },
  )
}

/** @param pieces of UTF-8, cut anywhere */
async function* textLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
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

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { writeApiFile } from '../../src/api/api-file.ts'
import { runCli } from '../../src/cli/cli.ts'
import type { Engine } from '../../src/cli/run/engine.ts'
import type { Terminal } from '../../src/cli/terminal/terminal.ts'

/** What a route answers: a value, or what a function makes of how often it was asked. */
type Route = object | ((times: number) => object)

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface FakeDaemon extends AsyncDisposable {
  readonly home: string
  /** Everything that was posted, in order. */
  readonly posted: readonly { readonly path: string; readonly body: unknown }[]
  /** Aborts what `terminal.interrupted()` gave, as Ctrl-C does. */
  interrupt(): void
  /** Runs a command of the real program against it; `code` is what the process would exit with. */
  run(...args: readonly string[]): Promise<Said>
}

const TOKEN = 'fake-daemon-token'

/** The local API of a daemon with answers given beforehand: `{ 'GET /v1/trades': [] }`, queries left out. */
export async function openFakeDaemon(routes: Readonly<Record<string, Route>> = {}): Promise<FakeDaemon> {
  const home = mkdtempSync(join(tmpdir(), 'wattmesh-fake-'))
  const posted: { path: string; body: unknown }[] = []
  const asked = new Map<string, number>()
  const interruption = new AbortController()
  function answer(key: string): object | undefined {
    const times = (asked.get(key) ?? 0) + 1
    asked.set(key, times)
    const route = routes[key]
    return typeof route === 'function' ? route(times) : route
  }
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?', 1)[0] ?? ''
    const body = await text(request)
    if (request.method === 'POST') posted.push({ path, body: JSON.parse(body) })
    const key = `${request.method} ${path}`
    if (key === 'GET /v1/events') return tellOn(response)
    const found = request.headers.authorization === `Bearer ${TOKEN}` ? answer(key) : undefined
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? { code: 'API_NOT_FOUND', message: `there is no ${key}` }))
  }
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  writeApiFile(home, { port: (server.address() as AddressInfo).port, token: TOKEN, pid: 1 })

  return {
    home,
    posted,
    interrupt: () => interruption.abort(),
    run: (...args) => runIn(home, args, interruption.signal),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A daemon in which something happens all the time: what its routes answer changes with how often they are asked. */
function tellOn(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  const tell = (): void => void response.write('{"cursor":"1.0"}\n')
  tell()
  const telling = setInterval(tell, 50)
  response.once('close', () => clearInterval(telling))
}

/** Runs a command in a home, whether or not a daemon is there. */
export async function runIn(
  home: string,
  args: readonly string[],
  signal = new AbortController().signal,
): Promise<Said> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  let failed = false
  const terminal: Terminal = {
    out: out as unknown as NodeJS.WriteStream,
    err: err as unknown as NodeJS.WriteStream,
    env: { WATTMESH_HOME: home },
    cwd: home,
    pid: 1,
    interrupted: () => signal,
    fail: () => {
      failed = true
    },
  }
  const code = await runCli(args, terminal, {} as Engine)
  out.end()
  err.end()
  return { code: code === 0 && failed ? 1 : code, out: await text(out), err: await text(err) }
}

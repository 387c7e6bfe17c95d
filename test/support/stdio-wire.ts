import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { CodedError } from '../../src/kernel/errors.ts'

/** One line of the conversation between a test and the peer in its child process. */
type Line =
  | { readonly say: 'request'; readonly n: number; readonly protocol: string; readonly bytes: string }
  | { readonly say: 'reply'; readonly n: number; readonly bytes: string | undefined }
  | { readonly say: 'event'; readonly event: string; readonly details: unknown }

export interface StdioWire {
  request(protocol: string, bytes: Uint8Array): Promise<Uint8Array>
  tell(event: string, details: unknown): void
  /** The other end is gone: whoever waits for it is told. */
  close(): void
}

export interface StdioHandlers {
  onRequest(protocol: string, bytes: Uint8Array): Promise<Uint8Array>
  onEvent(event: string, details: unknown): void
}

/** Requests and answers between two processes, over the pipes between them: the leanest stream transport. */
export function createStdioWire(input: Readable, output: Writable, handlers: StdioHandlers): StdioWire {
  const waiting = new Map<number, (bytes: string | undefined) => void>()
  let last = 0
  let open = true

  const send = (line: Line): void => {
    if (open && output.writable) output.write(`${JSON.stringify(line)}\n`)
  }

  async function hear(text: string): Promise<void> {
    const line = parse(text)
    if (line === undefined) return
    if (line.say === 'event') return handlers.onEvent(line.event, line.details)
    if (line.say === 'reply') {
      waiting.get(line.n)?.(line.bytes)
      waiting.delete(line.n)
      return
    }
    const bytes = await handlers
      .onRequest(line.protocol, Buffer.from(line.bytes, 'base64'))
      .then(reply => Buffer.from(reply).toString('base64'))
      .catch(() => undefined)
    send({ say: 'reply', n: line.n, bytes })
  }

  createInterface({ input }).on('line', text => void hear(text))
  // A killed process takes its end of the pipe with it.
  output.on('error', () => undefined)

  return {
    async request(protocol, bytes) {
      if (!open) throw new CodedError('TEST_GONE', 'the other end is gone')
      const n = ++last
      const { promise, resolve } = Promise.withResolvers<string | undefined>()
      waiting.set(n, resolve)
      send({ say: 'request', n, protocol, bytes: Buffer.from(bytes).toString('base64') })
      const reply = await promise
      if (reply === undefined) throw new CodedError('TEST_GONE', 'no answer')
      return Buffer.from(reply, 'base64')
    },
    tell: (event, details) => send({ say: 'event', event, details }),
    close() {
      open = false
      for (const resolve of waiting.values()) resolve(undefined)
      waiting.clear()
    },
  }
}

/** A line cut off by a kill is nothing anybody said. */
function parse(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * The little of a Redis client that BullMQ asks of a driver (the shape of Bun's own), over one connection; commands are
 * sent as they come and answered in order. BullMQ brings no driver, and the bench is not to need one.
 */
export interface RedisClient {
  readonly connected: boolean
  onconnect?: () => void
  onclose?: (error: Error) => void
  connect(): Promise<void>
  send<T = unknown>(command: string, args: readonly (string | Buffer)[]): Promise<T>
  get(key: string): Promise<string | null>
  smembers(key: string): Promise<string[]>
  incr(key: string): Promise<number>
  duplicate(): Promise<RedisClient>
  close(): void
}

export function openRedisClient(port: number): RedisClient {
  const asked: PromiseWithResolvers<unknown>[] = []
  let socket: Socket | undefined
  const client: RedisClient & { connected: boolean } = {
    connected: false,
    async connect() {
      const opened = connect({ port, host: '127.0.0.1', noDelay: true })
      socket = opened
      const take = createReplies()
      opened.on('data', (bytes: Buffer) => {
        for (const { reply } of take(bytes)) answer(asked.shift(), reply)
      })
      opened.on('close', () => {
        client.connected = false
        const closed = new Error('Connection closed')
        for (const { reject } of asked.splice(0)) reject(closed)
        client.onclose?.(closed)
      })
      await once(opened, 'connect')
      // What goes wrong later is told by the close that follows it.
      opened.on('error', () => undefined)
      client.connected = true
      client.onconnect?.()
    },
    send<T>(command: string, args: readonly (string | Buffer)[]) {
      const turn = Promise.withResolvers<unknown>()
      if (socket === undefined || !client.connected) {
        turn.reject(new Error('Connection is closed.'))
      } else {
        asked.push(turn)
        socket.write(encoded([command, ...args]))
      }
      return turn.promise as Promise<T>
    },
    get: key => client.send('GET', [key]),
    smembers: key => client.send('SMEMBERS', [key]),
    incr: key => client.send('INCR', [key]),
    duplicate: async () => openRedisClient(port),
    close: () => socket?.destroy(),
  }
  return client
}

function answer(turn: PromiseWithResolvers<unknown> | undefined, reply: Reply): void {
  if (reply instanceof Error) turn?.reject(reply)
  else turn?.resolve(reply)
}

/** A command in RESP: an array of byte strings. */
function encoded(words: readonly (string | Buffer)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(`*${words.length}\r\n`)]
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word))
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(pieces)
}

type Reply = string | number | null | Error | Reply[]
type Read = { readonly reply: Reply; readonly end: number }

/** Gives the replies that a piece completes. */
function createReplies(): (piece: Buffer) => Read[] {
  let rest: Buffer = Buffer.alloc(0)
  return piece => {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    const replies: Read[] = []
    let at = 0
    for (let read = readReply(bytes, at); read !== undefined; read = readReply(bytes, at)) {
      replies.push(read)
      at = read.end
    }
    rest = bytes.subarray(at)
    return replies
  }
}

const LINE_END = '\r\n'

/** The reply (RESP 2) that begins at `at`; undefined when it is not whole yet. */
function readReply(bytes: Buffer, at: number): Read | undefined {
  const lineEnd = bytes.indexOf(LINE_END, at)
  if (lineEnd === -1) return undefined
  const line = bytes.toString('utf8', at + 1, lineEnd)
  const end = lineEnd + LINE_END.length
  switch (bytes.toString('latin1', at, at + 1)) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: new Error(line), end }
    case ':':
      return { reply: Number(line), end }
    case '$':
      return readBytes(bytes, Number(line), end)
    case '*':
      return readArray(bytes, Number(line), end)
    default:
      throw new Error('Redis said something that is not RESP 2')
  }
}

function readBytes(bytes: Buffer, length: number, at: number): Read | undefined {
  if (length === -1) return { reply: null, end: at }
  const end = at + length + LINE_END.length
  return end > bytes.length ? undefined : { reply: bytes.toString('utf8', at, at + length), end }
}

function readArray(bytes: Buffer, length: number, at: number): Read | undefined {
  if (length === -1) return { reply: null, end: at }
  const replies: Reply[] = []
  let end = at
  while (replies.length < length) {
    const read = readReply(bytes, end)
    if (read === undefined) return undefined
    replies.push(read.reply)
    end = read.end
  }
  return { reply: replies, end }
}

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
/** What the other end makes of a request. */
export type Answer = (bytes: Uint8Array) => Uint8Array

/** A server and a client on one plain TCP connection: frames with a length before them, answered in order. */
export interface TcpPeer extends AsyncDisposable {
  request(bytes: Uint8Array): Promise<Uint8Array>
}

const HEAD_BYTES = 4

/** What libp2p's transport could give at most: no encryption, no streams, no limits. */
export async function openTcpPeer(answer: Answer): Promise<TcpPeer> {
  const server = createServer({ noDelay: true }, socket => {
    onFrames(socket, frame => writeFrame(socket, answer(frame)))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the TCP server does not listen')
  const client = connect({ port: address.port, host: '127.0.0.1', noDelay: true })
  await once(client, 'connect')
  const asked: PromiseWithResolvers<Uint8Array>[] = []
  onFrames(client, frame => asked.shift()?.resolve(frame))
  client.on('close', () => {
    for (const { reject } of asked.splice(0)) reject(new Error('the TCP connection closed'))
  })
  return {
    request(bytes) {
      const turn = Promise.withResolvers<Uint8Array>()
      asked.push(turn)
      writeFrame(client, bytes)
      return turn.promise
    },
    async [Symbol.asyncDispose]() {
      client.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function writeFrame(socket: Socket, bytes: Uint8Array): void {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt32BE(bytes.byteLength)
  socket.cork()
  socket.write(head)
  socket.write(bytes)
  socket.uncork()
}

function onFrames(socket: Socket, hear: (frame: Buffer) => void): void {
  const take = createFrames()
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece: Buffer) => take(piece).forEach(hear))
}

/** Gives the frames that a piece completes; joins pieces only when a frame is whole. */
function createFrames(): (piece: Buffer) => Buffer[] {
  let pieces: Buffer[] = []
  let size = 0
  let wanted = HEAD_BYTES
  return piece => {
    pieces.push(piece)
    size += piece.length
    if (size < wanted) return []
    const whole = Buffer.concat(pieces)
    const frames: Buffer[] = []
    let at = 0
    for (let end = endOfFrame(whole, at); end <= size; end = endOfFrame(whole, at)) {
      frames.push(whole.subarray(at + HEAD_BYTES, end))
      at = end
    }
    wanted = endOfFrame(whole, at) - at
    pieces = [whole.subarray(at)]
    size -= at
    return frames
  }
}

/** Of the frame that begins at `at`, or at least of its head. */
function endOfFrame(bytes: Buffer, at: number): number {
  const headEnd = at + HEAD_BYTES
  return bytes.length < headEnd ? headEnd : headEnd + bytes.readUInt32BE(at)
}

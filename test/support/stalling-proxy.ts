import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface StallingProxy extends AsyncDisposable {
  /** The other side's address, by way of here. */
  readonly address: string
  /** From now on only so many more bytes pass in this direction, and none after; both ends stay open. */
  stall(way: 'to server' | 'to client', afterBytes: number): void
  readonly stalled: () => boolean
}

/** A TCP connection between two peers that stops half-way through a message, as a router that fell over does. */
export async function openStallingProxy(serverAddress: string): Promise<StallingProxy> {
  const port = Number(/\/tcp\/(\d+)/.exec(serverAddress)?.[1])
  const left = { 'to server': Number.POSITIVE_INFINITY, 'to client': Number.POSITIVE_INFINITY }
  const sockets = new Set<Socket>()
  function carry(from: Socket, to: Socket, way: keyof typeof left): void {
    sockets.add(from)
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.on('data', (bytes: Buffer) => {
      const passed = bytes.subarray(0, left[way])
      left[way] -= passed.length
      if (passed.length > 0) to.write(passed)
    })
  }
  const server = createServer(client => {
    const onward = connect({ host: '127.0.0.1', port })
    carry(client, onward, 'to server')
    carry(onward, client, 'to client')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: serverAddress.replace(/\/tcp\/\d+/, `/tcp/${(server.address() as AddressInfo).port}`),
    stall(way, afterBytes) {
      left[way] = afterBytes
    },
    stalled: () => Object.values(left).includes(0),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

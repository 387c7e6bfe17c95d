import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openRedisClient } from './redis-client.ts'

const READY_MS = 15_000
const POLL_MS = 50
const STOP_MS = 5_000

export interface Redis extends AsyncDisposable {
  readonly port: number
}

/** What `redis-server --version` says; undefined where there is none. */
export function redisVersion(): string | undefined {
  try {
    return /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1]
  } catch {
    return undefined
  }
}

/**
 * A Redis of its own on 127.0.0.1, until disposed of.
 * @param folder for what it keeps
 * @param durable whether each command is on the disk before it is answered, as our commits are; without, a snapshot now
 * and then, as it comes
 */
export async function startRedis(folder: string, durable: boolean): Promise<Redis> {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const keep = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no', ...keep]
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const gone = once(child, 'exit')

  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const hard = setTimeout(kill, STOP_MS)
      await gone
      clearTimeout(hard)
    }
    process.off('exit', kill)
  }

  try {
    await Promise.race([answering(port), gone.then(() => Promise.reject(new Error('redis-server ended at its start')))])
  } catch (error) {
    await stop()
    throw error
  }
  return { port, [Symbol.asyncDispose]: stop }
}

async function answering(port: number): Promise<void> {
  const untilMs = performance.now() + READY_MS
  for (;;) {
    const client = openRedisClient(port)
    try {
      await client.connect()
      await client.send('PING', [])
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await sleep(POLL_MS)
    } finally {
      client.close()
    }
  }
}

/** Redis cannot choose one and tell: it is asked for here, and free again when Redis takes it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port for Redis')
  return address.port
}

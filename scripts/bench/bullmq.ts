import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue, QueueEvents } from 'bullmq'
import { bullmqDriver } from './bullmq-driver.ts'
import { startChild } from './child.ts'
import { startRedis } from './redis.ts'

const WORKER = fileURLToPath(new URL('bullmq-worker.ts', import.meta.url))
const JOB_MS = 60_000

/** A queue on a Redis of its own, and one worker in a process of its own. */
export interface BullmqPeer extends AsyncDisposable {
  /** Adds as many jobs in one go, and waits for all of them. */
  run(count: number): Promise<void>
}

export async function startBullmq(
  folder: string,
  { durable, concurrency }: { durable: boolean; concurrency: number },
): Promise<BullmqPeer> {
  await using stack = new AsyncDisposableStack()
  const { port } = stack.use(await startRedis(join(folder, durable ? 'durable' : 'quick'), durable))
  const [adding, hearing] = [bullmqDriver(port), bullmqDriver(port)]
  // BullMQ leaves connections that it did not make.
  stack.defer(async () => void (await Promise.allSettled([adding.quit(), hearing.quit()])))
  const queue = stack.adopt(new Queue('noop', { connection: adding }), one => one.close())
  const events = stack.adopt(new QueueEvents('noop', { connection: hearing }), one => one.close())
  stack.use(await startChild([WORKER, String(port), String(concurrency)], folder))
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])

  let left = 0
  let finished = Promise.withResolvers<void>()
  events.on('completed', () => {
    left -= 1
    if (left === 0) finished.resolve()
  })
  events.on('failed', ({ failedReason }) => finished.reject(new Error(`a job of BullMQ failed: ${failedReason}`)))

  const owned = stack.move()
  return {
    async run(count) {
      left = count
      finished = Promise.withResolvers()
      const late = setTimeout(() => finished.reject(new Error(`BullMQ was not done in ${JOB_MS / 1000} s`)), JOB_MS)
      try {
        await queue.addBulk(Array.from({ length: count }, (_, n) => ({ name: 'noop', data: n })))
        await finished.promise
      } finally {
        clearTimeout(late)
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

import { Worker } from 'bullmq'
import { bullmqDriver } from './bullmq-driver.ts'

/** A process of its own: a BullMQ worker whose jobs are nothing to do. Arguments: Redis' port, jobs at a time. */
const [port, concurrency] = process.argv.slice(2).map(Number) as [number, number]
const worker = new Worker('noop', async job => job.data as unknown, {
  connection: bullmqDriver(port),
  concurrency,
  // Finished jobs are not looked at again.
  removeOnComplete: { count: 0 },
})
worker.on('error', error => console.error(error.message))
await worker.waitUntilReady()
console.log(JSON.stringify({ msg: 'ready' }))

import { createBunRedisClient } from 'bullmq'
import { openRedisClient } from './redis-client.ts'

/** BullMQ's own adapter over the bench's client: what it gives its commands to. */
export function bullmqDriver(port: number): ReturnType<typeof createBunRedisClient> {
  return createBunRedisClient(openRedisClient(port))
}

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** Loaded into a daemon before its own code (`--import`): says how late its event loop was since it was last asked. */
const RESOLUTION_MS = 5

if (isMainThread && process.channel !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  process.on('message', () => {
    // Node counts from one tick of its timer to the next.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
    process.send?.({ p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) })
    histogram.reset()
  })
  // A daemon ends when it is told to, not when nobody asks any more.
  process.channel.unref()
}

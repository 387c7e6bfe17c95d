import { Worker } from 'node:worker_threads'
import type { RenderedReport } from './report.ts'
import type { ReportData } from './report-data.ts'

/**
 * Renders in a thread of its own, which ends with the report: drawing takes longer than the event loop of a daemon may
 * stand still, and the chart library need not stay in memory between two reports.
 *
 * @throws what the rendering threw; the reason of `signal`; or that the thread ended without an answer
 */
export function renderAside(data: ReportData, { signal }: { signal?: AbortSignal } = {}): Promise<RenderedReport> {
  const { promise, resolve, reject } = Promise.withResolvers<RenderedReport>()
  if (signal?.aborted === true) {
    reject(signal.reason)
    return promise
  }
  const thread = new Worker(entry(), { workerData: data })
  const stop = (): void => {
    reject(signal?.reason)
    void thread.terminate()
  }
  signal?.addEventListener('abort', stop, { once: true })
  thread.once('message', resolve)
  thread.once('error', reject)
  thread.once('exit', () => {
    signal?.removeEventListener('abort', stop)
    reject(new Error('the thread that renders the report ended without one'))
  })
  return promise
}

/** As it is written, or as a build has compiled it. */
function entry(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url)
}

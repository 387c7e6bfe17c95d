import { Piscina } from 'piscina'
import { codeOf, messageOf } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'
import type { ReadAnswer, ReadRequest } from './reader.ts'

export interface ReadersOptions {
  /** The module that exports `read`; tests pass one that misbehaves. */
  readonly entry?: URL
  /** Files that are read at a time. */
  readonly threads: number
  /** Of a file; one that takes longer costs its thread. */
  readonly timeoutMs: number
  readonly log: Log
}

export interface Readers {
  read(request: ReadRequest, signal: AbortSignal): Promise<ReadAnswer>
  stop(): Promise<void>
}

const MAX_HEAP_MB = 768
const IDLE_MS = 10_000

/** Threads that read files: what a hostile file does there, endless or exploding, costs that thread and that file. */
export function createReaders({ entry, threads, timeoutMs, log }: ReadersOptions): Readers {
  const pool = new Piscina({
    filename: (entry ?? readerModule()).href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: IDLE_MS,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    recordTiming: false,
  })
  pool.on('error', (error: unknown) => log.warn({ reason: messageOf(error) }, 'a thread that reads files died idle'))

  return {
    async read(request, signal) {
      signal.throwIfAborted()
      const late = AbortSignal.timeout(timeoutMs)
      try {
        return (await pool.run(request, { name: 'read', signal: AbortSignal.any([signal, late]) })) as ReadAnswer
      } catch (error) {
        signal.throwIfAborted()
        const reason = late.aborted ? `takes longer than ${timeoutMs} ms to read` : failureOf(error)
        return { status: 'unreadable', code: 'READ_FAILED', reason: `${request.name} ${reason}`, lasting: true }
      }
    },
    stop: () => pool.destroy(),
  }
}

/** Beside this file, with its ending: `.ts` from the source, `.js` after a build. */
function readerModule(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './reader.ts' : './reader.js', import.meta.url)
}

function failureOf(error: unknown): string {
  if (codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY') return 'needs more memory to read than there is for it'
  return `could not be read: ${messageOf(error)}`
}

import { daemonCommands } from '../daemon/commands.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import type { Client } from './client.ts'

/** How long somebody waits who would rather be told. */
export interface Patience {
  /** At least that long since the last time, however much is told: for whoever draws. */
  readonly leastMs?: number
  /** At most that long, though nothing is told. */
  readonly mostMs: number
}

/** Tells when it is time to look again: what a daemon tells makes it so. */
export interface News {
  /** Whether something was told since the last time; waits for it. At once when the signal is aborted. */
  next(patience: Patience): Promise<boolean>
  /** Hears a daemon until its stream ends; resolves as soon as nothing it tells is missed any more. */
  hear(client: Client): Promise<{ readonly ended: Promise<void> }>
}

export function createNews(signal: AbortSignal, clock: Clock = systemClock): News {
  let isNew = false
  let told = (): void => undefined

  function ring(): void {
    isNew = true
    told()
  }

  async function listen(lines: AsyncGenerator<unknown, void>): Promise<void> {
    try {
      for await (const _ of lines) ring()
    } catch {
      // A daemon that stops breaks off what it tells; whoever looks again is told why.
    }
    ring()
  }

  return {
    async next({ leastMs = 0, mostMs }) {
      if (leastMs > 0) await clock.sleep(leastMs, signal)
      if (!isNew) await waiting(mostMs - leastMs)
      const was = isNew
      isNew = false
      return was
    },
    async hear(client) {
      const lines = client.of(daemonCommands).events({}, { signal })
      try {
        await lines.next()
      } catch (error) {
        if (!signal.aborted) throw error
      }
      return { ended: listen(lines) }
    },
  }

  async function waiting(ms: number): Promise<void> {
    const over = new AbortController()
    told = () => over.abort()
    signal.addEventListener('abort', told)
    await clock.sleep(ms, over.signal)
    signal.removeEventListener('abort', told)
    told = () => undefined
  }
}

/**
 * Acts with the news of one daemon, and hears it no longer than that. A stream that broke off tells nothing: then time
 * alone makes one look again.
 */
export async function withNews<T>(
  client: Client,
  signal: AbortSignal | undefined,
  act: (news: News) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const news = createNews(signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]))
  try {
    await news.hear(client)
    return await act(news)
  } finally {
    over.abort()
  }
}

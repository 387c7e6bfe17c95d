import { createNews, type News } from '../../api/news.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Daemon } from './daemon.ts'

/** How soon a daemon that was killed, or has not started yet, is listened to again. */
const AGAIN_MS = 500

/** What any of these daemons tells, through their deaths and new lives. */
export function hearAll(daemons: readonly Daemon[], signal: AbortSignal, clock: Clock): News {
  const news = createNews(signal, clock)
  for (const daemon of daemons) void hearOn(daemon, { news, signal, clock })
  return news
}

async function hearOn(
  daemon: Daemon,
  { news, signal, clock }: { news: News; signal: AbortSignal; clock: Clock },
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (daemon.alive) await (await news.hear(daemon.client())).ended
    } catch {
      // Not ready yet, or just killed.
    }
    await clock.sleep(AGAIN_MS, signal)
  }
}

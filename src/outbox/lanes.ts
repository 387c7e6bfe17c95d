import { backoffMs } from '../kernel/backoff.ts'
import type { Clock } from '../kernel/clock.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Random } from '../kernel/random.ts'
import type { Delivery } from './delivery.ts'
import type { Journal } from './journal.ts'
import type { PendingMessage } from './wire.ts'

const RETRY = { baseMs: 500, maxMs: 15_000 }

export interface LanesDeps {
  readonly journal: Pick<Journal, 'waitingRecipients' | 'nextFor'>
  readonly delivery: Delivery
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** One for each recipient that messages wait for; undefined: everybody on a topic. */
export interface Lanes {
  start(): void
  stop(): Promise<void>
  /** Something is kept for this recipient now. */
  enter(peer: PeerId | undefined): void
  /** What waits for this recipient waits no longer. */
  hurry(peer: PeerId | undefined): void
}

interface Lane {
  /** Aborted to end a wait early. */
  pause: AbortController
  ended: Promise<void>
}

export function createLanes({ journal, delivery, clock, random, log, metrics }: LanesDeps): Lanes {
  const lanes = new Map<PeerId | undefined, Lane>()
  const retries = metrics.counter('outbox_retries_total', 'Deliveries tried again')
  metrics.gauge('outbox_lanes', 'Recipients that messages wait for', () => lanes.size)
  let stopping: AbortController | undefined

  function enter(peer: PeerId | undefined): void {
    if (stopping === undefined || stopping.signal.aborted || lanes.has(peer)) return
    const lane: Lane = { pause: new AbortController(), ended: Promise.resolve() }
    lanes.set(peer, lane)
    lane.ended = drain(peer, lane, stopping.signal)
      .catch(error =>
        log.error({ err: error, peer }, 'a lane of the outbox failed; it starts again with the next message'),
      )
      .finally(() => {
        lanes.delete(peer)
        // Something may have been kept between the last look and now.
        if (stopping?.signal.aborted === false && journal.nextFor(peer) !== undefined) enter(peer)
      })
      .catch(() => undefined)
  }

  async function drain(peer: PeerId | undefined, lane: Lane, stop: AbortSignal): Promise<void> {
    const next = (): PendingMessage | undefined => (stop.aborted ? undefined : journal.nextFor(peer))
    for (let row = next(); row !== undefined; row = next()) {
      if ((await delivery.attempt(row, stop)) || stop.aborted) continue
      const attempt = await delivery.triedAgain(row)
      retries()
      lane.pause = new AbortController()
      const backMs = backoffMs(attempt, RETRY, random())
      // Its end is not waited past; but a dead letter that cannot be kept (a full disk) waits like any other.
      const leftMs = row.expires - clock.now()
      await clock.sleep(leftMs > 0 ? Math.min(backMs, leftMs) : backMs, stop, lane.pause.signal)
    }
  }

  return {
    start() {
      stopping = new AbortController()
      for (const peer of journal.waitingRecipients()) enter(peer)
    },
    async stop() {
      stopping?.abort()
      for (const lane of lanes.values()) lane.pause.abort()
      // The journal is closed after this: nobody may look into it any more.
      await Promise.all([...lanes.values()].map(({ ended }) => ended))
    },
    enter,
    hurry: peer => lanes.get(peer)?.pause.abort(),
  }
}

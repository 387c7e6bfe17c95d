import { tradingCommands } from '../domains/trading/commands.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Daemon } from './fleet/daemon.ts'
import type { Death, Victim } from './scenario/kill-plan.ts'
import type { View } from './view.ts'

export interface Storm {
  strike(victim: Victim): void
  /** Resolves when everybody is back. */
  over(): Promise<void>
  readonly deaths: readonly Death[]
}

/** Kills peers and brings them back. */
export function createStorm(
  daemons: readonly Daemon[],
  { view, clock, signal }: { view: View; clock: Clock; signal: AbortSignal },
): Storm {
  const running: Promise<void>[] = []
  const deaths: Death[] = []

  async function strike({ name, backAfterMs }: Victim): Promise<void> {
    const daemon = daemons.find(one => one.plan.name === name)
    if (daemon?.alive !== true) return
    deaths.push({ name, peerId: daemon.ready().peerId, atMs: clock.now() })
    view.say(`✝ ${name} is killed`)
    await daemon.kill()
    await clock.sleep(backAfterMs, signal)
    await daemon.start()
    await daemon.client().of(tradingCommands).open()
    view.say(`↻ ${name} is back`)
  }

  return {
    strike: victim => void running.push(strike(victim)),
    over: async () => void (await Promise.all(running)),
    deaths,
  }
}

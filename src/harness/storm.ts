import type { Clock } from '../kernel/clock.ts'
import type { Daemon } from './fleet/daemon.ts'
import type { Kill } from './scenario/kill-plan.ts'
import type { View } from './view.ts'

export interface Storm {
  strike(kill: Kill): void
  /** Resolves when everybody is back. */
  over(): Promise<void>
  readonly killed: readonly string[]
}

/** Kills peers and brings them back. */
export function createStorm(
  daemons: readonly Daemon[],
  { view, clock, signal }: { view: View; clock: Clock; signal: AbortSignal },
): Storm {
  const running: Promise<void>[] = []
  const killed: string[] = []

  async function strike({ name, backAfterMs }: Kill): Promise<void> {
    const daemon = daemons.find(one => one.plan.name === name)
    if (daemon?.alive !== true) return
    killed.push(name)
    view.say(`✝ ${name} is killed`)
    await daemon.kill()
    await clock.sleep(backAfterMs, signal)
    await daemon.start()
    await daemon.client().post('/v1/market/open', {})
    view.say(`↻ ${name} is back`)
  }

  return {
    strike: kill => void running.push(strike(kill)),
    over: async () => void (await Promise.all(running)),
    killed,
  }
}

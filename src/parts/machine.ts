import type { Options } from '../config/options.ts'
import type { Profile } from '../energy/profile.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { EnergyConditions } from '../manners/conditions.ts'
import { householdEnergy } from '../manners/household-energy.ts'
import { createManners, type Manners, type MannersDeps } from '../manners/manners.ts'
import { localMinuteOfDay, openMachine } from '../manners/sensors/machine.ts'
import { createProbes } from '../manners/sensors/probes.ts'
import { createSensors } from '../manners/sensors/sensors.ts'
import type { Storage } from '../storage/storage.ts'
import type { PowerSource } from '../tasks/proof/receipt.ts'
import type { Trading } from '../trading/trading.ts'
import { tariffHeard } from './trading-terms.ts'

export interface MachineDeps {
  readonly options: Options
  readonly storage: Storage
  readonly trading: Trading
  readonly profile: Profile
  /** Of the whole process, since its start. */
  readonly ownCpuMs: () => number
  readonly runningTasks: () => number
  readonly clock: Clock
  readonly marketClock: Clock
  readonly log: Log
  readonly changed: MannersDeps['changed']
  readonly giveBack: MannersDeps['giveBack']
}

/** The machine this daemon lives on, and its owner's preferences about lending it. */
export async function openMachineManners(deps: MachineDeps, threadMemoryMb: number): Promise<Manners> {
  const { options, storage, clock, log } = deps
  const { sensors, graceSeconds, maxWaitHours } = options.manners
  const maxWaitMs = maxWaitHours * 3_600_000
  return createManners({
    offered: options.roles.includes('compute'),
    preferences: { ...options.manners, taskPowerW: options.compute.watts },
    machine: await openMachine({ maxThreads: options.compute.threads, threadMemoryMb }),
    sense: sensors
      ? createSensors({ probes: createProbes({ clock, ownCpuMs: deps.ownCpuMs }), clock, log })
      : undefined,
    energy: options.roles.includes('household') ? () => energyNow(deps) : undefined,
    latestStartMs() {
      const accepted = storage.tasks.openWork().map(work => work.acceptedMs)
      return maxWaitMs === 0 || accepted.length === 0 ? undefined : Math.min(...accepted) + maxWaitMs
    },
    ...{ store: storage.manners, graceMs: graceSeconds * 1000, minuteOfDay: localMinuteOfDay },
    ...{ clock, log, changed: deps.changed, giveBack: deps.giveBack },
  })
}

/** The running slot, what its surplus would bring elsewhere, and what computing takes of it. */
function energyNow(deps: MachineDeps): EnergyConditions {
  const { options, storage, trading, profile, marketClock } = deps
  const { slotMs } = options.market
  const slot = Math.floor(marketClock.now() / slotMs)
  const { retailMicro, feedInMicro } = tariffHeard(trading, options)
  const { capacityWh, efficiencyPercent, socPercent, sellPriceMicro, trade } = options.household
  const socWh = storage.energy.household()?.socWh ?? (capacityWh * socPercent) / 100
  // What somebody bought of this slot tells that a neighbour pays; otherwise the surplus goes into the grid.
  const sold = trade && storage.trading.tradesOfSlot('active', slot * slotMs).some(({ role }) => role === 'seller')
  return householdEnergy({
    ...{ slotMs, ...profile(slot), socWh, capacityWh, efficiencyPercent, feedInMicro },
    sellMicro: sold ? sellPriceMicro : undefined,
    buyMicro: retailMicro,
    computingW: deps.runningTasks() * options.compute.watts,
  })
}

/** Where the power of this slot comes from, as far as the household's own account tells: a word for receipts. */
export function powerSource(storage: Storage, profile: Profile, slot: number): PowerSource {
  const household = storage.energy.household()
  if (household === undefined) return 'unknown'
  const { loadWh, solarWh } = profile(slot)
  if (solarWh >= loadWh && solarWh > 0) return 'solar'
  return household.socWh > 0 ? 'battery' : 'grid'
}

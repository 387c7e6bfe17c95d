import type { Options } from '../config/options.ts'
import type { Meter } from '../domains/energy/meter/meter.ts'
import type { Profile } from '../domains/energy/profile.ts'
import type { EnergyConditions } from '../domains/manners/conditions.ts'
import { createDraw, type Draw } from '../domains/manners/draw.ts'
import { householdEnergy, slotSurplusW } from '../domains/manners/household-energy.ts'
import { createManners, type Manners, type MannersDeps } from '../domains/manners/manners.ts'
import { localMinuteOfDay, openMachine } from '../domains/manners/sensors/machine.ts'
import { createProbes } from '../domains/manners/sensors/probes.ts'
import { createSensors } from '../domains/manners/sensors/sensors.ts'
import type { PowerSource } from '../domains/tasks/proof/receipt.ts'
import { AGREED_STATES } from '../domains/trading/trade.ts'
import type { Trading } from '../domains/trading/trading.ts'
import type { Clock } from '../kernel/clock.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Storage } from '../storage/storage.ts'
import { tariffHeard } from './trading-terms.ts'

export interface MachineDeps {
  readonly self: PeerId
  readonly options: Options
  readonly storage: Storage
  readonly trading: Trading
  readonly profile: Profile
  /** What the household's real meter sees flow now; undefined where its profile is all there is. */
  readonly power: Meter['power']
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
  const { self, options, storage, clock, log } = deps
  const { sensors, graceSeconds, maxWaitHours } = options.manners
  const draw = createDraw()
  return createManners({
    offered: options.roles.includes('compute'),
    preferences: { ...options.manners, taskPowerW: options.compute.watts },
    machine: await openMachine({ maxThreads: options.compute.threads, threadMemoryMb }),
    sense: sensors
      ? createSensors({ probes: createProbes({ clock, ownCpuMs: deps.ownCpuMs }), clock, log })
      : undefined,
    energy: options.roles.includes('household') ? () => energyNow(deps, draw) : undefined,
    hasWork: () => storage.tasks.openWork().some(({ submitter }) => submitter !== self),
    store: storage.manners,
    graceMs: graceSeconds * 1000,
    maxWaitMs: maxWaitHours * 3_600_000,
    minuteOfDay: localMinuteOfDay,
    clock,
    log,
    changed: deps.changed,
    giveBack: deps.giveBack,
  })
}

/** The running slot, what its surplus would bring elsewhere, and what computing takes of it. */
function energyNow(deps: MachineDeps, draw: Draw): EnergyConditions {
  const { options, storage, trading, marketClock } = deps
  const nowMs = marketClock.now()
  const startMs = Math.floor(nowMs / options.market.slotMs) * options.market.slotMs
  draw.note(nowMs, deps.runningTasks() * options.compute.watts)
  const { retailMicro, feedInMicro } = tariffHeard(trading, options)
  const agreed = AGREED_STATES.flatMap(state => storage.trading.tradesOfSlot(state, startMs))
  return householdEnergy({
    ...(deps.power === undefined ? simulatedNow(deps, startMs) : meteredNow(deps.power, draw, deps)),
    sales: agreed.filter(({ role }) => role === 'seller'),
    slotMs: options.market.slotMs,
    feedInMicro,
    buyMicro: retailMicro,
  })
}

/** The profile's slot, seen as its meter would, and the battery that the daemon plays. */
function simulatedNow({ options, storage, profile, runningTasks }: MachineDeps, startMs: number) {
  const { slotMs } = options.market
  const { capacityWh, efficiencyPercent, socPercent } = options.household
  const socWh = storage.energy.household()?.socWh ?? (capacityWh * socPercent) / 100
  const computingW = runningTasks() * options.compute.watts
  const surplusW = slotSurplusW({ slotMs, ...profile(startMs / slotMs) }, computingW)
  return { surplusW, computingW, battery: { socWh, capacityWh, efficiencyPercent } }
}

function meteredNow(power: NonNullable<Meter['power']>, draw: Draw, { runningTasks, options }: MachineDeps) {
  const seen = power()
  if (seen === undefined) return { surplusW: undefined, computingW: runningTasks() * options.compute.watts }
  return { surplusW: seen.exportW, computingW: draw.meanW(seen.fromMs, seen.toMs) }
}

/**
 * Where the power of this slot comes from, as far as the household's own account tells: a word for receipts. A real
 * meter knows when power is bought. What it sees flow out may be of the sun or of a battery charged at night.
 */
export function powerSource(storage: Storage, profile: Profile, slot: number, power: Meter['power']): PowerSource {
  if (power !== undefined) return (power()?.exportW ?? 0) < 0 ? 'grid' : 'unknown'
  const household = storage.energy.household()
  if (household === undefined) return 'unknown'
  const { loadWh, solarWh } = profile(slot)
  if (solarWh >= loadWh && solarWh > 0) return 'solar'
  return household.socWh > 0 ? 'battery' : 'grid'
}

import { z } from 'zod'
import { type Context, defineDomain } from '../../daemon/domain.ts'
import { mannersCommands } from './commands.ts'
import type { EnergyConditions, Machine } from './conditions.ts'
import { createDraw, type Draw } from './draw.ts'
import { householdEnergy, type Sale, slotSurplusW } from './household-energy.ts'
import { mannersOptions } from './options.ts'
import { createIdleIo } from './sensors/idle-io.ts'
import { localMinuteOfDay, openMachine } from './sensors/machine.ts'
import { createProbes } from './sensors/probes.ts'
import { createSensors } from './sensors/sensors.ts'
import { type MannersRead, mannersStore } from './store.ts'
import { createWatch, type MannersFact, type Watch } from './watch.ts'

const options = mannersOptions.extend({
  roles: z.array(z.string()),
  compute: z.object({ threads: z.number(), watts: z.number() }),
})
type MannersContext = Context<z.output<typeof options>, MannersRead, MannersFact>

export interface MannersNeeds {
  readonly house: House
  /** What the utility takes and gives, in millionths a kWh. */
  readonly tariff: () => { readonly retailMicro: number; readonly feedInMicro: number }
  /** Sales agreed of the slot that begins then. */
  readonly sales: (startMs: number) => readonly Sale[]
  /** The most a kind of work may take of a thread's memory. */
  readonly threadMemoryMb: () => number
  /** Worker threads that compute now. */
  readonly runningTasks: () => number
  /** Of the whole process, since its start. */
  readonly ownCpuMs: () => number
  /** Says anew what this peer offers. */
  readonly advertise: () => void
}

/** The house this machine stands in. */
interface House {
  readonly profile: (slotNumber: number) => { readonly loadWh: number; readonly solarWh: number }
  readonly battery: () => { readonly socWh: number; readonly capacityWh: number; readonly efficiencyPercent: number }
  /** What the real meter sees flow now; absent where the house is simulated, and its profile tells. */
  readonly power: (() => NetPower | undefined) | undefined
}

interface NetPower {
  readonly exportW: number
  readonly fromMs: number
  readonly toMs: number
}

/** How far worker threads step back behind other programs. */
export const THREAD_NICE = 10
const IDLE_IO_MS = 10_000

/** When this machine works for others: its owner's preferences, and how it is just now. */
export const mannersDomain = defineDomain({
  name: 'manners',
  options,
  commands: mannersCommands,
  store: mannersStore,
  async open(context: MannersContext, needs: MannersNeeds) {
    const { commit, wake, options: own } = context
    /** Whether work of others lies on the desk; whoever has the desk says so. */
    let holdsWork = false
    const offered = own.roles.includes('compute')
    const watch = await openWatch(context, needs, {
      hasWork: () => holdsWork,
      changed() {
        needs.advertise()
        wake()
      },
    })
    const report = () => reported(watch, own)
    const idleIo = createIdleIo({ nice: THREAD_NICE, log: context.log })

    return {
      run: {
        compute: report,
        async pause({ forMs }) {
          await commit(() => watch.pause(forMs))
          await watch.look()
          return report()
        },
        async resume() {
          await commit(() => watch.resume())
          await watch.look()
          return report()
        },
      },
      tells: {
        'manners.pause': ({ pause }) => ({ event: 'pause.said', data: { ...pause } }),
      },
      parts: offered ? [watch] : [],
      gives: {
        /** Whether it works for others now, and why; undefined where it never does. */
        willing: () => (offered ? willingness(watch) : undefined),
        threads: watch.threads,
        asked: watch.asked,
        availability: watch.availability,
        giveBackAt: watch.giveBackAt,
        holds(work: boolean): void {
          holdsWork = work
        },
        /** Threads come and go; each new one is told soon to step back behind other programs' disk. */
        stepBack: atMostEvery(IDLE_IO_MS, context.now, () => void idleIo()),
      },
    }
  },
})

async function openWatch(
  context: MannersContext,
  needs: MannersNeeds,
  desk: { readonly hasWork: () => boolean; readonly changed: () => void },
): Promise<Watch> {
  const { store, clock, log, options: own } = context
  const { sensors, graceSeconds, maxWaitHours } = own.manners
  const draw = createDraw()
  return createWatch({
    offered: own.roles.includes('compute'),
    preferences: preferencesOf(own),
    machine: await machineOf(own, needs),
    sense: sensors
      ? createSensors({ probes: createProbes({ clock, ownCpuMs: needs.ownCpuMs }), clock, log })
      : undefined,
    energy: own.roles.includes('household') ? () => energyNow(context, needs, draw) : undefined,
    hasWork: desk.hasWork,
    store,
    graceMs: graceSeconds * 1000,
    maxWaitMs: maxWaitHours * 3_600_000,
    minuteOfDay: localMinuteOfDay,
    clock,
    log,
    changed: desk.changed,
  })
}

/** What its kinds of work take of memory is known when all domains are there. */
async function machineOf({ compute }: MannersContext['options'], needs: MannersNeeds): Promise<Machine> {
  const machine = await openMachine({ maxThreads: compute.threads, threadMemoryMb: 0 })
  return {
    ...machine,
    get threadMemoryMb() {
      return needs.threadMemoryMb()
    },
  }
}

function preferencesOf({ manners, compute }: MannersContext['options']) {
  return { ...manners, taskPowerW: compute.watts }
}

function reported(watch: Watch, own: MannersContext['options']) {
  const paused = watch.paused()
  return {
    offered: own.roles.includes('compute'),
    verdict: watch.verdict(),
    conditions: watch.conditions(),
    preferences: preferencesOf(own),
    ...(paused === undefined ? {} : { paused }),
  }
}

function willingness(watch: Watch) {
  const { allowed, sentence } = watch.verdict()
  return { allowed, sentence }
}

/** The running slot, what its surplus would bring elsewhere, and what computing takes of it. */
function energyNow(context: MannersContext, needs: MannersNeeds, draw: Draw): EnergyConditions {
  const { market, options: own } = context
  const { startMs } = market.slot()
  const computingW = needs.runningTasks() * own.compute.watts
  draw.note(market.now(), computingW)
  const { retailMicro, feedInMicro } = needs.tariff()
  const { power } = needs.house
  return householdEnergy({
    ...(power === undefined ? simulatedNow(context, needs, computingW) : meteredNow(power, draw, computingW)),
    sales: needs.sales(startMs),
    slotMs: market.slotMs,
    feedInMicro,
    buyMicro: retailMicro,
  })
}

/** The profile's slot, seen as its meter would, and the battery that the daemon plays. */
function simulatedNow({ market }: MannersContext, { house }: MannersNeeds, computingW: number) {
  const surplusW = slotSurplusW({ slotMs: market.slotMs, ...house.profile(market.slotNumber()) }, computingW)
  return { surplusW, computingW, battery: house.battery() }
}

function meteredNow(power: NonNullable<House['power']>, draw: Draw, computingW: number) {
  const seen = power()
  if (seen === undefined) return { surplusW: undefined, computingW }
  return { surplusW: seen.exportW, computingW: draw.meanW(seen.fromMs, seen.toMs) }
}

/** Once, and not again before so many milliseconds have passed. */
function atMostEvery(everyMs: number, now: () => number, act: () => void): () => void {
  let nextMs = 0
  return () => {
    if (now() < nextMs) return
    nextMs = now() + everyMs
    act()
  }
}

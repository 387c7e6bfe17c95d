import { z } from 'zod'
import { type Context, defineDomain, type Round } from '../../daemon/domain.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Sealed } from '../../kernel/outcome.ts'
import { type Slot, slotNumberOf, slotStartMs } from '../../kernel/slot.ts'
import type { Metered } from '../../protocol/contract.ts'
import { batteryOf } from './battery.ts'
import { energyCommands } from './commands.ts'
import { createHousehold, type EnergyFact, type Household } from './household.ts'
import { createChainCheck } from './meter/chain-check.ts'
import type { Meter } from './meter/meter.ts'
import { createMetering, type Metering } from './meter/metering.ts'
import type { MqttMeter } from './meter/mqtt-meter.ts'
import { meteredOf, type ReadingFact } from './meter/reading-chain.ts'
import { createSimulatedMeter } from './meter/simulated-meter.ts'
import { energyOptions } from './options.ts'
import { constantProfile, openProfile, type Profile } from './profile.ts'
import { type EnergyRead, energyStore } from './store.ts'
import type { Decision, Prices } from './strategy.ts'
import { openStrategy } from './strategy-file.ts'

const options = energyOptions.extend({ roles: z.array(z.string()) })
type EnergyContext = Context<z.output<typeof options>, EnergyRead, EnergyFact>

/** What energy is told by others. */
export interface EnergyNeeds {
  /** Energy of this peer's contracts for a slot. */
  readonly traded: (slot: Slot) => { readonly boughtWh: number; readonly soldWh: number }
  /** Contracts that are not settled and whose slot begins in that time, of the market. */
  readonly unsettledBetween: (fromMs: number, beforeMs: number) => readonly { readonly slot: Slot }[]
}

/** The house behind the daemon: its load, solar, battery and meter. */
export const energyDomain = defineDomain({
  name: 'energy',
  options,
  commands: energyCommands,
  store: energyStore,
  async open(context: EnergyContext, needs: EnergyNeeds) {
    const { store, market } = context
    const { dataFile, loadWh, solarWh } = context.options.household
    const profile = dataFile === undefined ? constantProfile(loadWh, solarWh) : openProfile(dataFile)
    const household = await openHousehold(context, needs, profile)
    const isHousehold = context.options.roles.includes('household')
    const mqtt = context.options.meter.source === 'mqtt' ? await openMqttMeter(context) : undefined

    return {
      run: {
        decisions: ({ limit }) => store.decisions(limit),
        slots: ({ limit }) => store.slots(limit),
        readings: ({ limit }) => store.readings(limit),
      },
      rounds: isHousehold ? [meterRound(context, needs, mqtt)] : [],
      parts: [...(mqtt === undefined ? [] : [mqtt]), ...(isHousehold ? [chainCheck(context)] : [])],
      tells: {
        'energy.slot': ({ slot }) => ({ event: 'slot.settled', data: { ...slot } }),
        'energy.decision': ({ decision }) => ({ event: 'slot.decided', data: { ...decision } }),
      },
      gives: {
        profile,
        /** The state of charge and what it is about; undefined before the first slot. */
        household: store.household,
        slots: store.slots,
        battery: () => batteryNow(context),
        /** What the real meter sees flow now; undefined where the household is simulated, and its profile tells. */
        power: mqtt?.power,
        /** What the meter says of a slot, net; undefined: nothing yet. */
        metered(slot: Slot): Metered | undefined {
          const reading = store.reading(slotNumberOf(slot, market.slotMs))
          return reading === undefined ? undefined : meteredOf(reading)
        },
        /** Settles every slot before the running one, and decides about the next. */
        turn(slotNumber: number, prices: Prices): { readonly facts: readonly Sealed[]; readonly decision: Decision } {
          const { outcome, decision } = household.turn(slotNumber, prices)
          return { facts: outcome.facts.map(context.seal), decision }
        },
        lackingWh: household.lackingWh,
        roomWh: household.roomWh,
        hasBattery: context.options.household.capacityWh > 0,
        /** What the household spares of the slot it decided about last. */
        spared: () => spared(store),
        /** Where the power of the running slot comes from, in a word for receipts. */
        powerSource: () => powerSource(context, profile, mqtt),
      },
    }
  },
})

async function openHousehold(context: EnergyContext, needs: EnergyNeeds, profile: Profile): Promise<Household> {
  const { store, market, now } = context
  const { household } = context.options
  return createHousehold({
    battery: batteryOf(household, market.slotMs),
    initialSocWh: Math.round((household.capacityWh * household.socPercent) / 100),
    preferences: household,
    profile,
    ...(household.strategyFile === undefined ? {} : { strategy: await openStrategy(household.strategyFile) }),
    now,
    store: {
      household: store.household,
      tradedWh: slotNumber => needs.traded(market.slot(slotNumber)),
    },
  })
}

function spared(store: EnergyRead): { readonly slotNumber: number; readonly energyWh: number } {
  const [last] = store.decisions(1)
  return { slotNumber: last?.slot ?? -1, energyWh: last?.action === 'sell' ? last.energyWh : 0 }
}

/**
 * As far as the household's own account tells. A real meter knows when power is bought. What it sees flow out may be of
 * the sun or of a battery charged at night.
 */
export function powerSource(
  { store, market }: Pick<EnergyContext, 'store' | 'market'>,
  profile: Profile,
  mqtt: Pick<MqttMeter, 'power'> | undefined,
): 'solar' | 'battery' | 'grid' | 'unknown' {
  if (mqtt !== undefined) return (mqtt.power()?.exportW ?? 0) < 0 ? 'grid' : 'unknown'
  const household = store.household()
  if (household === undefined) return 'unknown'
  const { loadWh, solarWh } = profile(market.slotNumber())
  if (solarWh >= loadWh && solarWh > 0) return 'solar'
  return household.socWh > 0 ? 'battery' : 'grid'
}

/** The battery that the daemon plays. */
function batteryNow({ store, options: { household } }: EnergyContext) {
  const { capacityWh, efficiencyPercent, socPercent } = household
  return { socWh: store.household()?.socWh ?? (capacityWh * socPercent) / 100, capacityWh, efficiencyPercent }
}

/** Loaded only where it is wanted: an MQTT client costs 50 ms of start-up. */
async function openMqttMeter({ options: { meter }, market, wake, log }: EnergyContext): Promise<MqttMeter> {
  const { createMqttMeter } = await import('./meter/mqtt-meter.ts')
  return createMqttMeter({
    url: meter.mqttUrl,
    importTopic: meter.mqttImportTopic,
    exportTopic: meter.mqttExportTopic,
    slotMs: market.slotMs,
    now: market.now,
    heard: wake,
    log: log.child({ part: 'meter' }),
  })
}

/** Keeps what the meter says as soon as it says it. */
function meterRound(context: EnergyContext, needs: EnergyNeeds, mqtt: Meter | undefined): Round<ReadingFact> {
  const { store, market, log } = context
  let metering: Metering | undefined
  /** Readings begin with the household's first slot: of those before there is nothing to say. */
  const opened = (): Metering | undefined => {
    if (metering === undefined && store.household() !== undefined) metering = openMetering(context, needs, mqtt)
    return metering
  }
  return {
    name: 'meter',
    due() {
      const dueMs = opened()?.dueMs()
      return dueMs === undefined ? undefined : market.toWallMs(dueMs)
    },
    turn() {
      const turned = opened()?.turn() ?? { facts: [], messages: [], answer: { status: 'ACK' } as const }
      for (const { reading } of turned.facts.filter(({ reading }) => reading.quality === 'ESTIMATED'))
        log.warn({ slot: reading.slot, instead: reading.substitutes }, 'the meter was silent: its slot is estimated')
      return turned
    },
  }
}

function openMetering(context: EnergyContext, needs: EnergyNeeds, mqtt: Meter | undefined): Metering {
  const { store, market, sign } = context
  const { meter } = context.options
  return createMetering({
    meter: mqtt ?? createSimulatedMeter({ slot: store.slot }),
    meterId: mqtt === undefined ? 'simulated' : meter.mqttImportTopic,
    slotMs: market.slotMs,
    graceMs: slot => (mqtt === undefined ? simulatedGraceMs(store, slot) : meter.graceSeconds * 1000),
    now: market.now,
    sign,
    store: {
      lastReading: store.lastReading,
      reading: store.reading,
      substituted: store.substituted,
      tradedWh: slotNumber => needs.traded(market.slot(slotNumber)),
      owedSlots: (from, before) => owedSlots(context, needs, { from, before }),
    },
  })
}

/** The simulated meter speaks once its household has had its turn; of a slot which that passed over, it never will. */
function simulatedGraceMs(store: EnergyRead, slotNumber: number): number {
  return slotNumber < (store.household()?.nextSlot ?? 0) ? 0 : Number.POSITIVE_INFINITY
}

function owedSlots(
  { store, market }: EnergyContext,
  { unsettledBetween }: EnergyNeeds,
  { from, before }: { readonly from: number; readonly before: number },
): number[] {
  const { slotMs } = market
  const open = unsettledBetween(slotStartMs(from, slotMs), slotStartMs(before, slotMs))
  return [...new Set(open.map(({ slot }) => slotNumberOf(slot, slotMs)))]
    .filter(slot => Number.isSafeInteger(slot) && store.reading(slot) === undefined)
    .toSorted((a, b) => a - b)
}

function chainCheck({ store, self, verify, clock, log }: EnergyContext): Part {
  return createChainCheck({
    store,
    verifyOwn: (text, signature) => verify(self, text, signature),
    clock,
    log,
  })
}

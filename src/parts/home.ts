import type { Options } from '../config/options.ts'
import { batteryOf } from '../domains/energy/battery.ts'
import { createHousehold } from '../domains/energy/household.ts'
import { createChainCheck } from '../domains/energy/meter/chain-check.ts'
import type { Meter } from '../domains/energy/meter/meter.ts'
import { createMetering, type Metering } from '../domains/energy/meter/metering.ts'
import { meteredOf } from '../domains/energy/meter/reading-chain.ts'
import { createSimulatedMeter } from '../domains/energy/meter/simulated-meter.ts'
import { constantProfile, openProfile, type Profile } from '../domains/energy/profile.ts'
import type { Prices } from '../domains/energy/strategy.ts'
import { openStrategy } from '../domains/energy/strategy-file.ts'
import { type Metered, throughMeter } from '../domains/trading/settlement/allocation.ts'
import type { Slot } from '../domains/trading/slot.ts'
import type { Trading } from '../domains/trading/trading.ts'
import { type Clock, repeat } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Commit } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { Fact } from '../storage/facts.ts'
import type { Storage } from '../storage/storage.ts'
import { createMarketDay, type MarketDay } from './market-day.ts'
import { tariffHeard } from './trading-terms.ts'

export interface HomeDeps {
  readonly self: PeerId
  readonly options: Options
  readonly storage: Storage
  readonly trading: Trading
  readonly commit: Commit<Fact>
  readonly clock: Clock
  readonly marketClock: Clock
  readonly random: Random
  readonly sign: (text: string) => string
  readonly log: Log
}

export interface Home {
  /** What the household uses and makes. */
  readonly profile: Profile
  readonly marketDay: MarketDay
  /** What the meter says of a slot; undefined: nothing yet. */
  metered(slot: Slot): Metered | undefined
  /** What the real meter sees flow now; undefined where the household is simulated, and its profile tells. */
  readonly power: Meter['power']
  readonly parts: readonly Part[]
}

/** How often the meter is looked at. */
const LOOK_MS = 200

/** The house behind the daemon: its load, solar, battery and meter, and what it does in each market slot. */
export async function openHome(deps: HomeDeps): Promise<Home> {
  const { options, storage, clock, marketClock, log } = deps
  const { slotMs } = options.market
  const { capacityWh, socPercent, dataFile, loadWh, solarWh, strategyFile } = options.household
  const tradedWh = (slotNumber: number) => marketDay.tradedWh(slotNumber)
  const profile = dataFile === undefined ? constantProfile(loadWh, solarWh) : openProfile(dataFile)
  const household = createHousehold({
    battery: batteryOf(options.household, slotMs),
    initialSocWh: Math.round((capacityWh * socPercent) / 100),
    preferences: options.household,
    profile,
    ...(strategyFile === undefined ? {} : { strategy: await openStrategy(strategyFile) }),
    prices: slotNumber => pricesOf(deps, { startMs: slotNumber * slotMs, durationMs: slotMs }),
    now: clock.now,
    store: { household: storage.energy.household, tradedWh },
  })
  const marketDay = createMarketDay({ ...deps, store: storage.trading, household })
  const mqtt = options.meter.source === 'mqtt' ? await openMqttMeter(deps) : undefined
  const openMetering = (): Metering =>
    createMetering({
      meter: mqtt ?? createSimulatedMeter({ slot: storage.energy.slot }),
      meterId: mqtt === undefined ? 'simulated' : options.meter.mqttImportTopic,
      slotMs,
      graceMs: slot => (mqtt === undefined ? simulatedGraceMs(storage, slot) : options.meter.graceSeconds * 1000),
      now: () => marketClock.now(),
      sign: deps.sign,
      store: {
        lastReading: storage.energy.lastReading,
        reading: storage.energy.reading,
        tradedWh,
        owedSlots: (from, before) => owedSlots(storage, slotMs, { from, before }),
      },
    })
  const isHousehold = options.roles.includes('household')

  return {
    marketDay,
    profile,
    power: mqtt?.power,
    metered(slot) {
      const slotNumber = slot.startMs / slotMs
      const traded = tradedWh(slotNumber)
      // A utility has no house: what it sells is there, and what it buys is taken.
      if (!isHousehold) return { importWh: traded.boughtWh, exportWh: traded.soldWh, quality: 'OK' }
      const reading = storage.energy.reading(slotNumber)
      return reading === undefined ? undefined : throughMeter(meteredOf(reading), traded)
    },
    parts: [
      ...(mqtt === undefined ? [] : [mqtt]),
      marketDay,
      ...(isHousehold ? [createChainCheck(deps), meterReader(openMetering, deps)] : []),
    ],
  }

  /** Loaded only where it is wanted: an MQTT client costs 50 ms of start-up. */
  async function openMqttMeter({ options: { meter } }: HomeDeps) {
    const { createMqttMeter } = await import('../domains/energy/meter/mqtt-meter.ts')
    return createMqttMeter({
      url: meter.mqttUrl,
      importTopic: meter.mqttImportTopic,
      exportTopic: meter.mqttExportTopic,
      slotMs,
      now: () => marketClock.now(),
      log: log.child({ part: 'meter' }),
    })
  }
}

/** The simulated meter speaks once its household has had its turn; of a slot which that passed over, it never will. */
function simulatedGraceMs({ energy }: Storage, slotNumber: number): number {
  return slotNumber < (energy.household()?.nextSlot ?? 0) ? 0 : Number.POSITIVE_INFINITY
}

function owedSlots(
  { trading, energy }: Storage,
  slotMs: number,
  { from, before }: { readonly from: number; readonly before: number },
): number[] {
  const slots = new Set(trading.tradesInState('active').map(({ slot }) => slot.startMs / slotMs))
  return [...slots]
    .filter(slot => Number.isSafeInteger(slot) && slot >= from && slot < before && energy.reading(slot) === undefined)
    .toSorted((a, b) => a - b)
}

/** Keeps what the meter says as soon as it says it. */
function meterReader(openMetering: () => Metering, { commit, clock, log, storage }: HomeDeps): Part {
  const stopping = new AbortController()
  let metering: Metering | undefined

  async function read(): Promise<void> {
    // Readings begin with the household's first slot: of those before there is nothing to say.
    if (storage.energy.household() === undefined) return
    metering ??= openMetering()
    const meter = metering
    if (!meter.due()) return
    const { facts } = await commit(() => meter.turn())
    for (const { reading } of facts.filter(fact => fact.reading.quality === 'ESTIMATED'))
      log.warn({ slot: reading.slot, instead: reading.substitutes }, 'the meter was silent: its slot is estimated')
  }
  const look = (): Promise<void> =>
    read().catch(error =>
      log.warn({ reason: messageOf(error) }, 'the meter could not be read; the next look tries again'),
    )
  return {
    name: 'meter',
    start: () => void repeat(clock, LOOK_MS, stopping.signal, look),
    stop: () => stopping.abort(),
  }
}

/** What is known of a slot's prices: the utility's tariff where one is heard, else this peer's own idea of it. */
function pricesOf({ options, trading, self }: HomeDeps, slot: Slot): Prices {
  const { retailMicro, feedInMicro } = tariffHeard(trading, options)
  const costOf = trading.costs()
  const offers = trading
    .offers({ slot })
    .filter(({ catalog }) => catalog.seller !== self && catalog.role === 'household')
    .map(listing => costOf(listing).landedMicro)
  return {
    retailMicro,
    feedInMicro,
    sellMicro: options.household.sellPriceMicro,
    bestOfferMicro: offers.length === 0 ? undefined : Math.min(...offers),
  }
}

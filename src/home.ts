import type { Options } from './config/options.ts'
import { createHousehold, type Household } from './energy/household.ts'
import { constantProfile, openProfile } from './energy/profile.ts'
import type { Clock } from './kernel/clock.ts'
import type { NewId, PeerId } from './kernel/ids.ts'
import type { Log } from './kernel/log.ts'
import type { Commit } from './kernel/outcome.ts'
import type { Random } from './kernel/random.ts'
import { createMarketDay, type MarketDay } from './market-day.ts'
import type { Fact } from './storage/facts.ts'
import type { Storage } from './storage/storage.ts'
import type { Trading } from './trading/trading.ts'

export interface HomeDeps {
  readonly self: PeerId
  readonly options: Options
  readonly storage: Storage
  readonly trading: Trading
  readonly commit: Commit<Fact>
  readonly clock: Clock
  readonly marketClock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly log: Log
}

export interface Home {
  readonly household: Household
  readonly marketDay: MarketDay
}

/** The house behind the daemon: its load, solar and battery, and what it does in each market slot. */
export function createHome(deps: HomeDeps): Home {
  const { options, storage } = deps
  const { capacityWh, minSocPercent, socPercent, dataFile, loadWh, solarWh } = options.household
  const household = createHousehold({
    battery: { capacityWh, reserveWh: Math.round((capacityWh * minSocPercent) / 100) },
    initialSocWh: Math.round((capacityWh * socPercent) / 100),
    preferences: options.household,
    profile: dataFile === undefined ? constantProfile(loadWh, solarWh) : openProfile(dataFile),
    store: { household: storage.energy.household, tradedWh: slot => marketDay.tradedWh(slot) },
  })
  const marketDay = createMarketDay({ ...deps, store: storage.trading, household })
  return { household, marketDay }
}

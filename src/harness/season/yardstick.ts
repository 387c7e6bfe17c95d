import type { Battery } from '../../domains/control/offline.ts'
import { atLeast, type CaseVerdict, near, type Yardstick } from '../../kernel/yardstick.ts'
import { type AloneOutcome, FIRST_KWH, runAlone, sum } from './alone.ts'
import { FEED_IN, readHomes, readPrices, type Season } from './homes.ts'
import { type PolicyName, policies } from './policy.ts'
import { runStreet } from './street.ts'

type Variant = 'tou' | 'flat' | 'wear' | 'demand'

interface ExpectedPolicy {
  readonly total: number
  readonly perHome: Readonly<Record<string, number>>
}

/** Of a tariff, what every policy came to elsewhere. */
interface ControlCase {
  readonly from: number
  readonly to: number
  readonly battery: Battery
  readonly policies: Readonly<Record<string, ExpectedPolicy>>
  readonly street?: { readonly optimum: number }
  readonly perfectByLp?: number
}

const FLAT = 0.25
/** What follows from the rules alone is the same everywhere; what is best may be reached in several ways. */
const DETERMINED = 0.05
const OPTIMUM = 0.5
/** What of the best's saving, or greedy's, a policy must reach. */
const OF_PERFECT = 0.97
const OF_GREEDY_ON_FLAT = 0.999
const MINDING_THE_PEAK = 0.7
const IN_THE_AUCTION = 0.95

/** A season of homes under four tariffs: what each policy comes to, alone and in the auction. */
export const controlYardstick: Yardstick = {
  kind: 'control',
  fits: file => typeof file === 'object' && file !== null && 'tou' in file && 'demand' in file,
  *judge(file, dataFile) {
    const cases = file as Readonly<Record<Variant, ControlCase>>
    const names = Object.keys(cases.tou.policies['none']?.perHome ?? {})
    const homes = readHomes(names, dataFile)
    const tou = readPrices(dataFile)
    for (const variant of ['tou', 'flat', 'wear', 'demand'] as const) {
      const { from, to } = cases[variant]
      const buy = variant === 'flat' ? tou.map(() => FLAT) : tou
      const season: Season = { homes, buy, sell: tou.map(() => FEED_IN), from, to }
      yield* judged({ variant, expected: cases[variant], season })
    }
  },
}

interface Judged {
  readonly variant: Variant
  readonly expected: ControlCase
  readonly season: Season
}

function* judged({ variant, expected, season }: Judged): Generator<CaseVerdict> {
  const { battery } = expected
  const run = (name: PolicyName): AloneOutcome =>
    runAlone(season, { battery, demandCharge: variant === 'demand', policy: policies[name] })
  const [none, greedy] = [run('none'), run('greedy')]
  yield* determined(`${variant} none`, expected.policies['none'], none)
  yield* determined(`${variant} greedy`, expected.policies['greedy'], greedy)
  if (variant === 'demand') {
    const minding = run('scenarios minding the peak')
    const best = none.total - (expected.perfectByLp ?? 0)
    yield atLeast('demand minding the peak', MINDING_THE_PEAK, (none.total - minding.total) / best)
    return
  }
  const perfect = run('perfect')
  yield near(`${variant} perfect`, expected.policies['perfect']?.total ?? 0, perfect.total, OPTIMUM)
  const scenarios = run('scenarios')
  const least = variant === 'flat' ? OF_GREEDY_ON_FLAT : OF_PERFECT
  const against = variant === 'flat' ? greedy : perfect
  yield atLeast(
    `${variant} scenarios, of what is best`,
    least,
    (none.total - scenarios.total) / (none.total - against.total),
  )
  if (expected.street !== undefined) yield* inTheStreet({ variant, expected, season }, none, scenarios)
}

function* determined(
  name: string,
  expected: ExpectedPolicy | undefined,
  { total, perHome }: AloneOutcome,
): Generator<CaseVerdict> {
  yield near(name, expected?.total ?? Number.NaN, total, DETERMINED)
  for (const [home, cost] of Object.entries(expected?.perHome ?? {}))
    yield near(`${name} ${home}`, cost, perHome[home] ?? Number.NaN, DETERMINED)
}

function* inTheStreet(
  { variant, expected, season }: Judged,
  none: AloneOutcome,
  alone: AloneOutcome,
): Generator<CaseVerdict> {
  const best = bestOfAll(season, expected.battery)
  yield near(`${variant} street optimum`, expected.street?.optimum ?? 0, best, OPTIMUM)
  const { total, perHome } = runStreet(season, expected.battery)
  yield atLeast(`${variant} in the auction, of the optimum`, IN_THE_AUCTION, (none.total - total) / (none.total - best))
  for (const [home, cost] of Object.entries(perHome))
    yield atLeast(`${variant} ${home} in the auction, not worse than alone`, -(alone.perHome[home] ?? 0), -cost)
}

/** One house with everything of all. */
function bestOfAll(season: Season, battery: Battery): number {
  const { homes } = season
  const netKwh = season.buy.map((_, hour) => sum(homes.map(home => home.netKwh[hour] ?? 0)))
  const together: Battery = {
    ...battery,
    capacityKwh: battery.capacityKwh * homes.length,
    powerKwh: battery.powerKwh * homes.length,
  }
  const one = { ...season, homes: [{ name: 'all', netKwh }] }
  return runAlone(one, {
    battery: together,
    demandCharge: false,
    policy: policies.perfect,
    firstKwh: FIRST_KWH * homes.length,
  }).total
}

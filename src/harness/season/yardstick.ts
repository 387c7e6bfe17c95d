import type { Battery } from '../../domains/control/offline.ts'
import { atLeast, type CaseVerdict, near, type Yardstick } from '../../kernel/yardstick.ts'
import { type AloneOutcome, FIRST_KWH, runAlone, sum } from './alone.ts'
import { FEED_IN, readHomes, readPrices, type Season } from './homes.ts'
import { type PolicyName, policies } from './policy.ts'
import { runStreet } from './street.ts'

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
const OF_PERFECT = 0.9
/** On the tariff they were made for more; on a flat one nothing is better than greedy. */
const LEAST: Readonly<Record<string, number>> = { tou: 0.97, flat: 0.999 }
const MINDING_THE_PEAK = 0.7
const IN_THE_AUCTION = 0.95

/** A season of homes under several tariffs: what each policy comes to, alone and in the auction. */
export const controlYardstick: Yardstick = {
  kind: 'control',
  fits(file) {
    const cases = typeof file === 'object' && file !== null ? Object.values(file) : []
    return cases.length > 0 && cases.every(isControlCase)
  },
  *judge(file, dataFile) {
    const tou = readPrices(dataFile)
    for (const [variant, expected] of Object.entries(file as Readonly<Record<string, ControlCase>>)) {
      const homes = readHomes(Object.keys(expected.policies['none']?.perHome ?? {}), dataFile)
      const buy = variant === 'flat' ? tou.map(() => FLAT) : tou
      const { from, to } = expected
      yield* judged({ variant, expected, season: { homes, buy, sell: tou.map(() => FEED_IN), from, to } })
    }
  },
}

function isControlCase(one: unknown): boolean {
  return typeof one === 'object' && one !== null && 'policies' in one && 'battery' in one && 'from' in one
}

interface Judged {
  readonly variant: string
  readonly expected: ControlCase
  readonly season: Season
}

function* judged(one: Judged): Generator<CaseVerdict> {
  const { variant, expected } = one
  const [none, greedy] = [alone(one, 'none'), alone(one, 'greedy')]
  yield* determined(`${variant} none`, expected.policies['none'], none)
  yield* determined(`${variant} greedy`, expected.policies['greedy'], greedy)
  if (expected.perfectByLp === undefined) yield* planned(one, none, greedy)
  else yield mindingThePeak(one, none, expected.perfectByLp)
}

function alone({ variant, expected: { battery }, season }: Judged, name: PolicyName): AloneOutcome {
  return runAlone(season, { battery, demandCharge: variant === 'demand', policy: policies[name] })
}

function mindingThePeak(one: Judged, none: AloneOutcome, perfect: number): CaseVerdict {
  const { total } = alone(one, 'scenarios minding the peak')
  return atLeast(`${one.variant} minding the peak`, MINDING_THE_PEAK, (none.total - total) / (none.total - perfect))
}

function* planned(one: Judged, none: AloneOutcome, greedy: AloneOutcome): Generator<CaseVerdict> {
  const { variant, expected } = one
  const [perfect, scenarios] = [alone(one, 'perfect'), alone(one, 'scenarios')]
  yield near(`${variant} perfect`, expected.policies['perfect']?.total ?? Number.NaN, perfect.total, OPTIMUM)
  const against = variant === 'flat' ? greedy : perfect
  const share = LEAST[variant] ?? OF_PERFECT
  const reached = (none.total - scenarios.total) / (none.total - against.total)
  yield atLeast(`${variant} scenarios, of what is best`, share, reached)
  if (expected.street !== undefined) yield* inTheStreet(one, none, scenarios)
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
  byItself: AloneOutcome,
): Generator<CaseVerdict> {
  const best = bestOfAll(season, expected.battery)
  yield near(`${variant} street optimum`, expected.street?.optimum ?? 0, best, OPTIMUM)
  const { total, perHome } = runStreet(season, expected.battery)
  yield atLeast(`${variant} in the auction, of the optimum`, IN_THE_AUCTION, (none.total - total) / (none.total - best))
  for (const [home, cost] of Object.entries(perHome))
    yield atLeast(`${variant} ${home} in the auction, not worse than alone`, -(byItself.perHome[home] ?? 0), -cost)
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

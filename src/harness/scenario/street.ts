import type { Options } from '../../config/options.ts'
import type { Reference } from '../judge/energy-figures.ts'

export interface ScenarioOptions {
  readonly households: number
  readonly utilities: number
  /** Peers that compute: the first of the households, and beyond their number peers that do nothing else. */
  readonly compute: number
  readonly speed: number
  readonly durationMs: number
  readonly slotMs: number
  readonly seed: number
  /** Share of the households that cannot be reached, drawn for each search. */
  readonly offlineShare: number
}

type Role = Options['roles'][number]

/** One peer of the scenario: its name and the options it is started with, by path. */
export interface Actor {
  readonly name: string
  readonly roles: readonly Role[]
  readonly options: Readonly<Record<string, string | number | boolean>>
  /** The utilities it believes and tells its state of charge, by name; their peer ids are known when they have keys. */
  readonly utilities?: readonly string[]
}

const CAPACITY_WH = 10_000

/** What a seller has at the start it keeps; what it makes beyond that it sells. */
const FULL_PERCENT = 95
const EMPTY_PERCENT = 15
export const REFERENCE = { loadWh: 30, solarWh: 20, neighbourMicro: 150_000, utilityMicro: 250_000 }

/**
 * The reference street: odd households are nearly empty and use 30 Wh a slot, even ones nearly full and make 20 Wh;
 * neighbours ask 0.15 a kWh, the utility 0.25.
 */
export function street(options: ScenarioOptions): Actor[] {
  const { households, utilities, compute } = options
  const suppliers = numbered(utilities).map(number => `utility-${pad(number)}`)
  const homes = numbered(households).map((number): Actor => {
    const buyer = number % 2 === 1
    return {
      name: `household-${pad(number)}`,
      utilities: suppliers,
      roles: number <= compute ? ['household', 'compute'] : ['household'],
      options: {
        'household.trade': true,
        'household.capacityWh': CAPACITY_WH,
        'household.socPercent': buyer ? EMPTY_PERCENT : FULL_PERCENT,
        'household.sellAbovePercent': FULL_PERCENT,
        'household.loadWh': buyer ? REFERENCE.loadWh : 0,
        'household.solarWh': buyer ? 0 : REFERENCE.solarWh,
        'household.sellPriceMicro': REFERENCE.neighbourMicro,
        'household.shareSoc': true,
        'market.offlineShare': options.offlineShare,
      },
    }
  })
  const grid = suppliers.map(
    (name): Actor => ({
      name,
      roles: ['utility'],
      options: { 'utility.priceMicro': REFERENCE.utilityMicro },
    }),
  )
  const workers = numbered(Math.max(0, compute - households)).map(
    (number): Actor => ({
      name: `compute-${pad(number)}`,
      roles: ['compute'],
      options: {},
    }),
  )
  return [...homes, ...grid, ...workers]
}

/** Slots until what is sold is what is made: before that the run is too short for its arithmetic. */
const SETTLED_SLOTS = 48

/**
 * The arithmetic of the reference street: of what the odd households use, at most what the even ones make is local, and
 * each kWh of that costs a neighbour's price instead of the utility's.
 */
export function referenceOf({ households, utilities, durationMs, slotMs, speed }: ScenarioOptions): {
  reference?: Reference
} {
  if (utilities === 0 || households < 2 || (durationMs * speed) / slotMs < SETTLED_SLOTS) return {}
  const used = Math.ceil(households / 2) * REFERENCE.loadWh
  const made = Math.floor(households / 2) * REFERENCE.solarWh
  const localShare = Math.min(1, made / used)
  return { reference: { localShare, saving: localShare * (1 - REFERENCE.neighbourMicro / REFERENCE.utilityMicro) } }
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

import type { KnownAction } from '../actions.ts'
import { type Breach, type Fields, isObject, jsonPath, type Path } from '../breach.ts'
import type { Addressed, Context } from '../context.ts'
import type { Bag } from '../packs/packs.ts'
import type { Series } from '../packs/series.ts'
import type { DegContract } from '../packs/trade.ts'

/** A rule of the network. Returns the first thing against it. */
export type Rule = (scene: Scene) => Breach | undefined

/** A message of the right shape, laid out for the rules. */
export interface Scene {
  readonly action: KnownAction
  readonly context: Context
  readonly bags: readonly Bag[]
  readonly series: readonly SeriesAt[]
  readonly deals: readonly Deal[]
}

export interface SeriesAt {
  readonly path: Path
  readonly intervalPeriod: Series['intervalPeriod']
  readonly intervals: Series['intervals']
  readonly payloadDescriptors: Series['payloadDescriptors']
}

/** Where roles are taken: a contract, or an offer of a catalog. */
export interface Deal {
  readonly path: Path
  readonly roles: DegContract['roles']
  readonly participants: readonly Fields[]
  readonly commitments: readonly Fields[]
  readonly series: readonly SeriesAt[]
  /** Peers trade energy. Other contracts, like flexibility, have roles and units of their own. */
  readonly peerToPeer: boolean
}

export const BUYER_ROLE = 'buyerPlatform'
export const SELLER_ROLE = 'sellerPlatform'

const SERIES_TYPES: readonly string[] = ['TimeSeries', 'DemandFlexNeed']

/** @param bags as `unpack` returns them: each has the shape its pack gives it */
export function sceneOf({ action, context, message }: Addressed, bags: readonly Bag[]): Scene {
  const series = bags
    .filter(({ type }) => SERIES_TYPES.includes(type))
    .map(({ path, value }): SeriesAt => ({ ...(value as unknown as Series), path }))
  const terms = bags.filter(({ type }) => type === 'DEGContract')
  const within = seriesWithin(series, new Set(terms.map(({ path }) => jsonPath(path.slice(0, -1)))))
  return { action, context, bags, series, deals: terms.map(bag => dealOf(bag, message, within)) }
}

/** The series of each deal: of the innermost, where one lies in another. */
function seriesWithin(series: readonly SeriesAt[], deals: ReadonlySet<string>): Map<string, SeriesAt[]> {
  const within = new Map<string, SeriesAt[]>()
  for (const each of series) {
    for (let length = each.path.length; length > 0; length--) {
      const outer = jsonPath(each.path.slice(0, length))
      if (!deals.has(outer)) continue
      const found = within.get(outer)
      if (found === undefined) within.set(outer, [each])
      else found.push(each)
      break
    }
  }
  return within
}

/** Participants and commitments stand beside the terms of a deal. */
function dealOf({ path, value }: Bag, message: Fields, within: ReadonlyMap<string, readonly SeriesAt[]>): Deal {
  const { roles } = value as unknown as DegContract
  const beside = path.slice(0, -1)
  const body = beside.reduce<unknown>((inner, key) => (inner as Fields)[key as string], { message })
  const list = (name: string): Fields[] => {
    const found = isObject(body) ? body[name] : undefined
    return Array.isArray(found) ? found.filter(isObject) : []
  }
  return {
    path: beside,
    roles,
    participants: list('participants'),
    commitments: list('commitments'),
    series: within.get(jsonPath(beside)) ?? [],
    peerToPeer: roles.some(({ role }) => role === BUYER_ROLE || role === SELLER_ROLE),
  }
}

export function holderOf({ roles }: Deal, wanted: string): string | undefined {
  return roles.find(({ role }) => role === wanted)?.participantId ?? undefined
}

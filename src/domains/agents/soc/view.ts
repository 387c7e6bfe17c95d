import { meanWatts } from '../../../kernel/energy.ts'
import type { PeerId } from '../../../kernel/ids.ts'
import type { SocReading, SocRefusal, SocRoundRecord } from './round.ts'

/** A line of `wattmesh utility soc`. */
export interface SocViewRow {
  readonly household: PeerId
  /** The latest it told; absent when it never did. */
  readonly socWh?: number
  /** How long ago that came. */
  readonly ageMs?: number
  /** Over its last readings, by market time; absent with fewer than two slots to compare. */
  readonly trendWhPerHour?: number
  /** Of the rounds it was asked in, those it answered; absent when it was never asked. */
  readonly answeredShare?: number
  /** Why it is not asked, in its words. */
  readonly refusal?: string
}

export interface SocHistory {
  readonly readings: readonly SocReading[]
  readonly rounds: readonly SocRoundRecord[]
  readonly refusals: readonly SocRefusal[]
}

/** Readings a trend is drawn over. */
const TREND_READINGS = 6

/** What the utility knows of each household, by peer id; silent and unwilling ones included. */
export function socView({ readings, rounds, refusals }: SocHistory, nowMs: number): SocViewRow[] {
  const readingsOf = Map.groupBy(readings, ({ peer }) => peer)
  const silences = new Map<PeerId, number>()
  for (const peer of rounds.flatMap(({ silentPeers }) => silentPeers)) {
    silences.set(peer, (silences.get(peer) ?? 0) + 1)
  }
  const refusalOf = new Map(refusals.map(refusal => [refusal.peer, refusal.reason]))
  const households = new Set([...readingsOf.keys(), ...silences.keys(), ...refusalOf.keys()])
  return [...households].sort().map(household => {
    const told = (readingsOf.get(household) ?? []).toSorted((a, b) => a.atMs - b.atMs)
    const asked = told.length + (silences.get(household) ?? 0)
    const latest = told.at(-1)
    const trendWhPerHour = trendOf(told.slice(-TREND_READINGS))
    const refusal = refusalOf.get(household)
    return {
      household,
      ...(latest === undefined ? {} : { socWh: latest.socWh, ageMs: Math.max(0, nowMs - latest.atMs) }),
      ...(trendWhPerHour === undefined ? {} : { trendWhPerHour }),
      ...(asked === 0 ? {} : { answeredShare: told.length / asked }),
      ...(refusal === undefined ? {} : { refusal }),
    }
  })
}

/** From the first to the last of these slots, in whole Wh an hour. */
function trendOf(readings: readonly SocReading[]): number | undefined {
  const first = readings[0]
  const last = readings.at(-1)
  if (first === undefined || last === undefined) return undefined
  const passedMs = last.slot.startMs - first.slot.startMs
  return passedMs <= 0 ? undefined : Math.round(meanWatts(last.socWh - first.socWh, passedMs))
}

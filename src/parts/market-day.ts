import { createHash } from 'node:crypto'
import type { Options } from '../config/options.ts'
import type { Household } from '../energy/household.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Answer, Commit } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { Fact } from '../storage/facts.ts'
import type { Slot } from '../trading/slot.ts'
import { AGREED_STATES, type Catalog, type Trade } from '../trading/trade.ts'
import type { Trading } from '../trading/trading.ts'

export interface MarketDayDeps {
  readonly self: PeerId
  readonly options: Options
  readonly clock: Clock
  readonly marketClock: Clock
  readonly store: { tradesOfSlot(state: Trade['state'], startMs: number): Trade[] }
  readonly random: Random
  readonly household: Household
  readonly trading: Trading
  readonly commit: Commit<Fact>
  readonly log: Log
}

export interface MarketDay extends Part {
  /** Energy of agreed trades in a slot. */
  tradedWh(slotNumber: number): { boughtWh: number; soldWh: number }
  /** Begins to decide about slots. */
  open(): void
  /** Decides about no further slot; what is agreed is delivered, metered and settled. */
  close(): void
}

/** A catalog outlives its slot a little, so that a late buyer sees why it is too late. */
const CATALOG_GRACE_MS = 2_000

/** Turns market slots into what a household or utility does: settle the last, decide about the next, offer or buy. */
export function createMarketDay(deps: MarketDayDeps): MarketDay {
  const { options, marketClock, clock, trading, commit, log } = deps
  const { slotMs } = options.market
  const isUtility = options.roles.includes('utility')
  const isHousehold = options.roles.includes('household')
  let stopping: AbortController | undefined
  let opened = false

  const slotNumber = (): number => Math.floor(marketClock.now() / slotMs)
  const slotOf = (number: number): Slot => ({ startMs: number * slotMs, durationMs: slotMs })
  /** A slot's length in real time. */
  const lifeMs = options.market.originMs === 0 ? slotMs : slotMs / options.market.speed

  async function loop(signal: AbortSignal): Promise<void> {
    let decided = -1
    while (!signal.aborted) {
      const current = slotNumber()
      // A timer may wake a moment early; a slot is decided about once.
      if (current > decided) await decide(current, signal)
      decided = current
      await marketClock.sleep((current + 1) * slotMs - marketClock.now(), signal)
    }
  }

  async function decide(current: number, signal: AbortSignal): Promise<void> {
    try {
      if (isUtility && opened) await offerGrid(current + 1)
      if (isHousehold) await turn(current, signal)
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'this slot could not be decided; the next one will')
    }
  }

  async function turn(current: number, signal: AbortSignal): Promise<void> {
    const { decision } = await commit(() => {
      const { outcome: kept, decision } = deps.household.turn(current)
      return { ...kept, decision }
    })
    if (!options.household.trade || !opened) return
    log.info({ slot: current + 1, decision: decision.action, reason: decision.reason }, 'decided about the next slot')
    if (decision.action === 'sell') await offerSpare(current + 1, decision.energyWh)
    if (decision.action === 'buy') await buy(current + 1, decision.energyWh, decision.reason, signal)
  }

  function offerGrid(slot: number): Promise<void> {
    const { priceMicro, feedInMicro, gridFeeMicro, slotWh } = options.utility
    return offer(slot, {
      ...{ role: 'utility', sourceType: 'GRID', priceMicro, availableWh: slotWh },
      tariff: { retailMicro: priceMicro, feedInMicro, gridFeeMicro },
    })
  }

  /** What a person has put on offer for the slot by hand is out of the same battery. */
  function offeredByHandWh(slot: number): number {
    const own = trading.offers({ slot: slotOf(slot) }).filter(({ catalog }) => catalog.seller === deps.self)
    return own
      .filter(({ offer: { offerId } }) => offerId !== `household-${slot}`)
      .reduce((sum, { offer: { availableWh } }) => sum + availableWh, 0)
  }

  async function offerSpare(slot: number, spareWh: number): Promise<void> {
    const availableWh = spareWh - offeredByHandWh(slot)
    if (availableWh <= 0) return
    const sourceType = options.household.capacityWh > 0 ? 'HYBRID' : 'SOLAR'
    await offer(slot, { role: 'household', sourceType, priceMicro: options.household.sellPriceMicro, availableWh })
  }

  async function offer(
    slot: number,
    made: Pick<Catalog, 'role' | 'sourceType' | 'tariff'> & { priceMicro: number; availableWh: number },
  ): Promise<void> {
    const { role, sourceType, tariff, priceMicro, availableWh } = made
    const catalog: Catalog = {
      ...{ seller: deps.self, version: clock.now(), role, sourceType, currency: options.market.currency },
      ...(tariff === undefined ? {} : { tariff }),
      validUntilMs: clock.now() + Math.ceil(2 * lifeMs) + CATALOG_GRACE_MS,
      offers: [{ offerId: `${role}-${slot}`, slot: slotOf(slot), priceMicro, availableWh }],
    }
    told(await commit(() => trading.publishCatalog(catalog)), slot)
  }

  async function buy(slot: number, energyWh: number, reason: string, signal: AbortSignal): Promise<void> {
    const { maxPriceMicro } = options.household
    // Everybody decides at the same moment; a little chance keeps the answers from colliding.
    await clock.sleep(Math.min(1_000, lifeMs / 8) * deps.random(), signal)
    if (signal.aborted) return
    // One need a slot: a household that restarted in the middle of one does not buy twice.
    const id = uuidFrom(`${deps.self}/${slot}`)
    told(await commit(() => trading.buyOnce({ id, slot: slotOf(slot), energyWh, maxPriceMicro, reason })), slot)
  }

  function told({ answer }: { answer: Answer }, slot: number): void {
    if (answer.status === 'NACK')
      log.warn({ slot, code: answer.error.code, reason: answer.error.message }, 'nothing came of what was decided')
  }

  function tradedWh(slot: number): { boughtWh: number; soldWh: number } {
    const agreed = AGREED_STATES.flatMap(state => deps.store.tradesOfSlot(state, slot * slotMs))
    const sum = (role: Trade['role']): number =>
      agreed.filter(t => t.role === role).reduce((wh, t) => wh + t.energyWh, 0)
    return { boughtWh: sum('buyer'), soldWh: sum('seller') }
  }

  function open(): void {
    opened = true
    if (stopping !== undefined) return
    stopping = new AbortController()
    void loop(stopping.signal)
  }

  return {
    name: 'market',
    start() {
      if (options.market.autoOpen) open()
    },
    stop: () => stopping?.abort(),
    open,
    close() {
      opened = false
    },
    tradedWh,
  }
}

/** A UUID that the same words always give (RFC 9562, version 8). */
function uuidFrom(words: string): string {
  const hex = createHash('sha256').update(words).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

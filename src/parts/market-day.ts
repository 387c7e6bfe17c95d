import { createHash } from 'node:crypto'
import type { Options } from '../config/options.ts'
import type { Household } from '../domains/energy/household.ts'
import type { TradingOutcome, TradingStore } from '../domains/trading/market.ts'
import { type Slot, slotKey, timestamp } from '../domains/trading/slot.ts'
import { backstopId, isBackstop } from '../domains/trading/stock.ts'
import {
  AGREED_STATES,
  type Catalog,
  HOLDING_STATES,
  type Offer,
  type Trade,
  type TradingFact,
} from '../domains/trading/trade.ts'
import type { Trading } from '../domains/trading/trading.ts'
import type { Clock } from '../kernel/clock.ts'
import { CodedError, messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import { type Answer, type Commit, outcome } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { Fact } from '../storage/facts.ts'
import { ownTariff } from './trading-terms.ts'

export interface MarketDayDeps {
  readonly self: PeerId
  readonly options: Options
  readonly clock: Clock
  readonly marketClock: Clock
  readonly store: Pick<TradingStore, 'catalog' | 'tradesInState' | 'tradesOfSlot'>
  readonly random: Random
  readonly household: Household
  readonly trading: Trading
  readonly commit: Commit<Fact>
  readonly log: Log
}

export interface MarketDay extends Part {
  /** Energy of agreed trades in a slot. */
  tradedWh(slotNumber: number): { boughtWh: number; soldWh: number }
  /**
   * What is published when a person offers these by hand, one a slot: they come first, and what this household offers by
   * itself gives way, for all slots are out of the same battery.
   * @throws TRADE_NOT_DELIVERABLE
   */
  besideOwn(byHand: readonly Offer[]): Offer[]
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
  /** Who is both is a utility to its neighbours, and stays one. */
  const ofKind = isUtility
    ? ({ role: 'utility', sourceType: 'GRID' } as const)
    : ({ role: 'household', sourceType: options.household.capacityWh > 0 ? 'HYBRID' : 'SOLAR' } as const)
  let stopping: AbortController | undefined
  let opened = false
  /** What the household spares of the slot it decided about last. */
  let spare = { slot: -1, energyWh: 0 }

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
    spare = { slot: current + 1, energyWh: decision.action === 'sell' ? decision.energyWh : 0 }
    if (!options.household.trade || !opened) return
    log.info({ slot: current + 1, decision: decision.action, reason: decision.reason }, 'decided about the next slot')
    if (decision.action === 'sell') await offerSpare(current + 1)
    if (decision.action === 'buy') await buy(current + 1, decision.energyWh, decision.reason, signal)
  }

  async function offerGrid(slot: number): Promise<void> {
    const { priceMicro, slotWh: availableWh } = options.utility
    const offers = [{ offerId: backstopId(slot), slot: slotOf(slot), priceMicro, availableWh }]
    told(await commit(() => publish({ tariff: ownTariff(options), offers })), slot)
  }

  async function offerSpare(slot: number): Promise<void> {
    const kept = await commit(() => {
      const offer = spareOffer(slot, promisedAhead())
      return offer.availableWh > 0 || isOffered(slot) ? publish({ offers: [offer] }) : outcome<TradingFact>()
    })
    told(kept, slot)
  }

  function publish(made: Pick<Catalog, 'tariff' | 'offers'>): TradingOutcome {
    return trading.publishCatalog({
      ...made,
      ...ofKind,
      seller: deps.self,
      version: clock.now(),
      currency: options.market.currency,
      validUntilMs: clock.now() + Math.ceil(2 * lifeMs) + CATALOG_GRACE_MS,
    })
  }

  const ownId = (slot: number): string => `household-${slot}`
  const isOffered = (slot: number): boolean =>
    slot > slotNumber() && ownOffers().some(({ offerId }) => offerId === ownId(slot))

  /** What is left of the spare energy of a slot beside all that is promised; what is sold of it stays sold. */
  function spareOffer(slot: number, promised: ReadonlyMap<number, number>): Offer {
    const roomWh = deps.household.roomWh(promised, slot, spare.energyWh - (promised.get(slot) ?? 0))
    const availableWh = promisedOf(slot).ownSoldWh + roomWh
    return { offerId: ownId(slot), slot: slotOf(slot), priceMicro: options.household.sellPriceMicro, availableWh }
  }

  /**
   * What this household has promised of a slot: sold by itself, and, by hand, offered or sold, whichever is more: what
   * was withdrawn after it was sold is sold all the same. What nobody bought until its slot began is no promise.
   */
  function promisedOf(slot: number): { ownSoldWh: number; byHandWh: number } {
    const key = slotKey(slotOf(slot))
    const sales = HOLDING_STATES.flatMap(state => deps.store.tradesOfSlot(state, slot * slotMs)).filter(
      ({ role, offerId }) => role === 'seller' && !isBackstop(offerId),
    )
    const soldWh = (id: string): number => sumWh(sales.filter(({ offerId }) => offerId === id))
    const offers = slot > slotNumber() ? ownOffers().filter(offer => slotKey(offer.slot) === key) : []
    const ids = new Set([...sales, ...offers].map(({ offerId }) => offerId))
    ids.delete(ownId(slot))
    const byHand = [...ids].map(id => {
      const offeredWh = offers.find(({ offerId }) => offerId === id)?.availableWh ?? 0
      return { energyWh: Math.max(offeredWh, soldWh(id)) }
    })
    return { ownSoldWh: soldWh(ownId(slot)), byHandWh: sumWh(byHand) }
  }

  /** What is on offer here, the grid's apart. */
  function ownOffers(): readonly Offer[] {
    return (deps.store.catalog(deps.self)?.offers ?? []).filter(({ offerId }) => !isBackstop(offerId))
  }

  /** What is promised of every slot from the running one on, with these offers by hand in place of what was by hand there. */
  function promisedAhead(byHand: readonly Offer[] = []): ReadonlyMap<number, number> {
    const sold = (['reserved', 'active'] as const).flatMap(state => deps.store.tradesInState(state))
    const slots = [...sold.filter(({ role }) => role === 'seller'), ...ownOffers(), ...byHand]
      .map(({ slot }) => slot.startMs / slotMs)
      .filter(slot => Number.isInteger(slot) && slot >= slotNumber())
    const wanted = new Map(byHand.map(offer => [offer.slot.startMs / slotMs, offer.availableWh]))
    const promised = slots.map(slot => [slot, promisedOf(slot)] as const)
    return new Map(
      promised.map(([slot, { ownSoldWh, byHandWh }]) => [slot, ownSoldWh + (wanted.get(slot) ?? byHandWh)]),
    )
  }

  function besideOwn(byHand: readonly Offer[]): Offer[] {
    if (!isHousehold || !options.household.trade) return [...byHand]
    const promised = promisedAhead(byHand)
    const before = deps.household.lackingWh(promisedAhead())
    for (const [slot, lackWh] of deps.household.lackingWh(promised)) {
      const moreWh = lackWh - (before.get(slot) ?? 0)
      if (moreWh > 0) throw notDeliverable(slotOf(slot), moreWh)
    }
    return isOffered(spare.slot) ? [...byHand, spareOffer(spare.slot, promised)] : [...byHand]
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
    const sum = (role: Trade['role']): number => sumWh(agreed.filter(trade => trade.role === role))
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
    besideOwn,
    open,
    close() {
      opened = false
    },
    tradedWh,
  }
}

function sumWh(all: readonly { readonly energyWh: number }[]): number {
  return all.reduce((sum, { energyWh }) => sum + energyWh, 0)
}

function notDeliverable({ startMs }: Slot, lackWh: number): CodedError {
  return new CodedError(
    'TRADE_NOT_DELIVERABLE',
    `battery and sun cannot deliver all that would be promised of the slot from ${timestamp(startMs)}: ${lackWh} Wh too much`,
    { hint: 'offer less; what your household has sold, and what you offer of other slots, is out of the same battery' },
  )
}

/** A UUID that the same words always give (RFC 9562, version 8). */
function uuidFrom(words: string): string {
  const hex = createHash('sha256').update(words).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

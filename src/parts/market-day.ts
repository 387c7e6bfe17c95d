import { createHash } from 'node:crypto'
import type { Options } from '../config/options.ts'
import type { Household } from '../energy/household.ts'
import type { Clock } from '../kernel/clock.ts'
import { CodedError, messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import { type Answer, type Commit, outcome } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { Fact } from '../storage/facts.ts'
import type { TradingOutcome, TradingStore } from '../trading/market.ts'
import { type Slot, slotKey, timestamp } from '../trading/slot.ts'
import {
  AGREED_STATES,
  type Catalog,
  HOLDING_STATES,
  type Offer,
  type Trade,
  type TradingFact,
} from '../trading/trade.ts'
import type { Trading } from '../trading/trading.ts'
import { ownTariff } from './trading-terms.ts'

export interface MarketDayDeps {
  readonly self: PeerId
  readonly options: Options
  readonly clock: Clock
  readonly marketClock: Clock
  readonly store: Pick<TradingStore, 'catalog' | 'tradesOfSlot'>
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
   * What is published when a person offers these by hand, one a slot: they come first, and what this household offers of
   * the slot by itself gives way, for both are out of the same battery.
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
    const offers = [{ offerId: `utility-${slot}`, slot: slotOf(slot), priceMicro, availableWh }]
    const made = { role: 'utility', sourceType: 'GRID', tariff: ownTariff(options), offers } as const
    told(await commit(() => publish(made)), slot)
  }

  async function offerSpare(slot: number): Promise<void> {
    const sourceType = options.household.capacityWh > 0 ? 'HYBRID' : 'SOLAR'
    const kept = await commit(() => {
      const offer = spareOffer(slot, promisedOf(slot).byHandWh)
      return offer.availableWh > 0
        ? publish({ role: 'household', sourceType, offers: [offer] })
        : outcome<TradingFact>()
    })
    told(kept, slot)
  }

  function publish(made: Pick<Catalog, 'role' | 'sourceType' | 'tariff' | 'offers'>): TradingOutcome {
    return trading.publishCatalog({
      ...{ ...made, seller: deps.self, version: clock.now(), currency: options.market.currency },
      validUntilMs: clock.now() + Math.ceil(2 * lifeMs) + CATALOG_GRACE_MS,
    })
  }

  const ownId = (slot: number): string => `household-${slot}`

  /** What is left of the spare energy beside `byHandWh`; what is sold of it stays sold. */
  function spareOffer(slot: number, byHandWh: number): Offer {
    const availableWh = Math.max(promisedOf(slot).ownSoldWh, spare.energyWh - byHandWh)
    return { offerId: ownId(slot), slot: slotOf(slot), priceMicro: options.household.sellPriceMicro, availableWh }
  }

  /**
   * What this household has promised of a slot: sold by itself, and, by hand, offered or sold, whichever is more: what
   * was withdrawn after it was sold is sold all the same.
   */
  function promisedOf(slot: number): { ownSoldWh: number; byHandWh: number } {
    const key = slotKey(slotOf(slot))
    const sales = HOLDING_STATES.flatMap(state => deps.store.tradesOfSlot(state, slot * slotMs)).filter(
      ({ role }) => role === 'seller',
    )
    const soldWh = (id: string): number => sumWh(sales.filter(({ offerId }) => offerId === id))
    const offers = (deps.store.catalog(deps.self)?.offers ?? []).filter(offer => slotKey(offer.slot) === key)
    const ids = new Set([...sales, ...offers].map(({ offerId }) => offerId))
    ids.delete(ownId(slot))
    const byHand = [...ids].map(id => {
      const offeredWh = offers.find(({ offerId }) => offerId === id)?.availableWh ?? 0
      return { energyWh: Math.max(offeredWh, soldWh(id)) }
    })
    return { ownSoldWh: soldWh(ownId(slot)), byHandWh: sumWh(byHand) }
  }

  function besideOwn(byHand: readonly Offer[]): Offer[] {
    if (!options.household.trade) return [...byHand]
    const wanted = new Map(byHand.map(offer => [offer.slot.startMs / slotMs, offer]))
    const promisedWh = (slot: number): number => {
      const { ownSoldWh, byHandWh } = promisedOf(slot)
      return ownSoldWh + (wanted.get(slot)?.availableWh ?? byHandWh)
    }
    const [first, last] = [Math.min(...wanted.keys()), Math.max(...wanted.keys())]
    for (const [slot, mostWh] of deps.household.deliverableWh({ first, last }, promisedWh)) {
      const lackWh = promisedWh(slot) - mostWh
      if (wanted.has(slot) && lackWh > 0) throw notDeliverable(slotOf(slot), lackWh)
    }
    const own = deps.store.catalog(deps.self)?.offers.some(({ offerId }) => offerId === ownId(spare.slot))
    const beside = wanted.get(spare.slot)
    if (own !== true || beside === undefined) return [...byHand]
    return [...byHand, spareOffer(spare.slot, beside.availableWh)]
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
    `battery and sun cannot deliver that in the slot from ${timestamp(startMs)}: ${lackWh} Wh too much`,
    {
      hint: 'offer less; what your household has sold of that slot, and what you offer of those before it, counts too',
    },
  )
}

/** A UUID that the same words always give (RFC 9562, version 8). */
function uuidFrom(words: string): string {
  const hex = createHash('sha256').update(words).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

import { createHash } from 'node:crypto'
import type { Round } from '../../daemon/domain.ts'
import { codeOf, messageOf } from '../../kernel/errors.ts'
import { acknowledged, outcome, type Sealed } from '../../kernel/outcome.ts'
import type { TradingContext } from './context.ts'
import type { OwnOffers } from './own-offers.ts'
import { backstopId } from './stock.ts'
import { ownTariff } from './tariff.ts'
import type { Catalog, TradingFact } from './trade.ts'
import type { TradeFlows } from './trade-flows.ts'
import type { TradingOutcome } from './trader.ts'

/** What a household decided about the next slot, and what became true with it. */
export interface SlotTurn {
  readonly facts: readonly Sealed[]
  readonly decision: { readonly action: 'buy' | 'sell' | 'wait'; readonly energyWh?: number; readonly reason: string }
}

export interface SlotRoundDeps {
  readonly context: TradingContext
  readonly flows: Pick<TradeFlows, 'publishCatalog' | 'buyOnce'>
  /** Absent where there is no household. */
  readonly house: { readonly turn: (slotNumber: number) => SlotTurn; readonly offers: OwnOffers } | undefined
  /** What this peer sells as. */
  readonly sellsAs: Pick<Catalog, 'role' | 'sourceType'>
  /** Whether it takes part in the market; undefined: it has not begun to. */
  readonly isOpen: () => boolean | undefined
}

/** A catalog outlives its slot a little, so that a late buyer sees why it is too late. */
const CATALOG_GRACE_MS = 2_000
/** Everybody decides at the same moment; a little chance keeps the answers from colliding. */
const MOST_SPREAD_MS = 1_000

/** Turns market slots into what a household or utility does: settle the last, decide about the next, offer or buy. */
export function slotRound({ context, flows, house, sellsAs, isOpen }: SlotRoundDeps): Round<TradingFact> {
  const { options, market, clock, commit, log } = context
  /** A slot's length in real time. */
  const lifeMs = market.wallDurationMs(market.slotMs)
  let decided = -1

  async function offerGrid(slotNumber: number): Promise<void> {
    const { priceMicro, slotWh: availableWh } = options.utility
    const offers = [{ offerId: backstopId(slotNumber), slot: market.slot(slotNumber), priceMicro, availableWh }]
    await commit(() => publish({ tariff: ownTariff(options), offers }))
  }

  async function decide(current: number, signal: AbortSignal): Promise<void> {
    if (house === undefined) return
    let turned: SlotTurn | undefined
    await commit((): TradingOutcome => {
      turned = house.turn(current)
      return { facts: turned.facts, messages: [], answer: acknowledged }
    })
    if (turned === undefined || !options.household.trade || isOpen() !== true) return
    const { action, energyWh = 0, reason } = turned.decision
    log.info({ slot: current + 1, decision: action, reason }, 'decided about the next slot')
    if (action === 'sell') await offerSpare(house.offers, current + 1)
    if (action === 'buy') await buy(current + 1, { energyWh, reason }, signal)
  }

  async function offerSpare(offers: OwnOffers, slotNumber: number): Promise<void> {
    await commit((): TradingOutcome => {
      const offer = offers.spare(slotNumber)
      return offer.availableWh > 0 || offers.isOffered(slotNumber) ? publish({ offers: [offer] }) : outcome()
    })
  }

  function publish(made: Pick<Catalog, 'tariff' | 'offers'>) {
    return flows.publishCatalog({
      ...made,
      ...sellsAs,
      seller: context.self,
      version: clock.now(),
      currency: options.market.currency,
      validUntilMs: clock.now() + Math.ceil(2 * lifeMs) + CATALOG_GRACE_MS,
    })
  }

  async function buy(
    slotNumber: number,
    { energyWh, reason }: { readonly energyWh: number; readonly reason: string },
    signal: AbortSignal,
  ): Promise<void> {
    await clock.sleep(Math.min(MOST_SPREAD_MS, lifeMs / 8) * context.random(), signal)
    signal.throwIfAborted()
    // One need a slot: a household that restarted in the middle of one does not buy twice.
    const id = uuidFrom(`${context.self}/${slotNumber}`)
    const { maxPriceMicro } = options.household
    await commit(() => flows.buyOnce({ id, slot: market.slot(slotNumber), energyWh, maxPriceMicro, reason }))
  }

  /** One part of a slot's work; when nothing comes of it, the other goes on. */
  async function attempt(slotNumber: number, work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      if (context.signal.aborted) return
      const fields = { slot: slotNumber, code: codeOf(error), reason: messageOf(error) }
      log.warn(fields, 'nothing came of what was decided; the next slot is decided anew')
    }
  }

  return {
    name: 'slot',
    due() {
      if (isOpen() === undefined) return undefined
      const current = market.slotNumber()
      return current > decided ? 0 : market.toWallMs(market.slot(current + 1).startMs)
    },
    async plan(signal) {
      const current = market.slotNumber()
      // Decided about once, whatever comes of it.
      decided = current
      if (sellsAs.role === 'utility' && isOpen() === true) await attempt(current + 1, offerGrid(current + 1))
      await attempt(current + 1, decide(current, signal))
      return undefined
    },
  }
}

/** A UUID that the same words always give (RFC 9562, version 8). */
function uuidFrom(words: string): string {
  const hex = createHash('sha256').update(words).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

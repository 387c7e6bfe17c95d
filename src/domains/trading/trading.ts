import { defineDomain, type Round } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { acknowledged, type Outcome } from '../../kernel/outcome.ts'
import type { Slot } from '../../kernel/slot.ts'
import type { Metered } from '../../protocol/contract.ts'
import { tradingCommands } from './commands.ts'
import { options, type TradingContext } from './context.ts'
import { createOwnOffers, type Deliverable } from './own-offers.ts'
import { tradingRuns } from './runs.ts'
import { type SlotTurn, slotRound } from './slot-round.ts'
import { tradingMigrations, tradingStore } from './store.ts'
import { isBelieved, tariffHeard } from './tariff.ts'
import { tradingTells } from './tells.ts'
import { AGREED_STATES, type Catalog, type TradingFact } from './trade.ts'
import { createTradeFlows, type TradeFlows } from './trade-flows.ts'
import type { TradingBooks } from './trader.ts'

/** What trading is told by others. */
export interface TradingNeeds {
  readonly books: TradingBooks
  /** What this peer's meter says of a slot, net; undefined: not yet. */
  readonly metered: (slot: Slot) => Metered | undefined
  readonly house: House
  readonly isConnected: (peer: PeerId) => boolean
  readonly connected: () => readonly { readonly peer: PeerId }[]
  /** Whether a topic of our zone reaches that peer. */
  readonly inZone: (peer: PeerId) => boolean
  /** Whether that peer says it is a household or a utility. */
  readonly trades: (peer: PeerId) => boolean
}

/** The household behind the trader. */
export interface House extends Deliverable {
  readonly turn: (slotNumber: number, prices: Prices) => SlotTurn
  readonly hasBattery: boolean
}

/** A kWh in millionths, as far as it is known when a slot is decided about. */
interface Prices {
  readonly retailMicro: number
  readonly feedInMicro: number
  readonly sellMicro: number
  /** The cheapest a neighbour offers for the slot, landed; undefined: nobody yet. */
  readonly bestOfferMicro: number | undefined
}

/** Beckn: neighbours sell each other energy; search, select, init, confirm, status, and what follows. */
export const tradingDomain = defineDomain({
  name: 'trading',
  options,
  commands: tradingCommands,
  topics: { catalog: 'zone', orders: 'zone' },
  migrations: tradingMigrations,
  store: (db, tools, { storage }) => tradingStore(db, tools, storage),
  open(context: TradingContext, needs: TradingNeeds) {
    const { store, self, market, options: own } = context
    const flows = openFlows(context, needs)
    const roles = { isHousehold: own.roles.includes('household'), isUtility: own.roles.includes('utility') }
    const offers = createOwnOffers({
      self,
      market,
      sellPriceMicro: own.household.sellPriceMicro,
      store,
      house: needs.house,
    })
    const floor = openFloor(context)
    const pulls = pullRound(needs, flows)

    return {
      run: tradingRuns({
        context,
        flows,
        besides: byHand => (roles.isHousehold && own.household.trade ? offers.besides(byHand) : [...byHand]),
        open: floor.open,
        close: floor.close,
      }),
      messages: flows.messages,
      rounds: [
        timeRound(context, flows),
        pulls.round,
        slotRound({
          context,
          flows,
          house: roles.isHousehold
            ? { offers, turn: slotNumber => needs.house.turn(slotNumber, pricesOf(context, flows, slotNumber + 1)) }
            : undefined,
          sellsAs: sellsAs(roles.isUtility, needs.house.hasBattery),
          isOpen: floor.isOpen,
        }),
      ],
      tells: tradingTells,
      onPeer: pulls.onPeer,
      gives: {
        tariff: () => tariffHeard(flows.offers, own),
        /** Sales that are agreed of the slot that begins then. */
        sales: (startMs: number) =>
          AGREED_STATES.flatMap(state => store.tradesOfSlot(state, startMs)).filter(({ role }) => role === 'seller'),
        trades: store.trades,
        counts: () => ({ ...store.counts(), catalogs: store.catalogCount() }),
        offers: flows.offers,
        costs: flows.costs,
      },
    }
  },
})

function openFlows(context: TradingContext, needs: TradingNeeds): TradeFlows {
  const { self, options: own, store, newId, random, clock, market, sign, verify } = context
  const { maxBuyWh, neighbours, avoidPeers } = own.household
  const { currency, reservationMs, stepTimeoutMs, searchMs, penaltyMicro, tolerancePercent } = own.market
  const flows: TradeFlows = createTradeFlows({
    self,
    name: own.name || self.slice(-6),
    networkId: own.network.name,
    currency,
    reservationMs,
    stepTimeoutMs,
    searchMs,
    limits: { maxBuyWh, neighbours: neighbours as PeerId[], avoidPeers: avoidPeers as PeerId[] },
    shortfall: { penaltyMicro, tolerancePercent },
    store,
    newId,
    random,
    now: () => clock.now(),
    marketNow: () => market.now(),
    sign,
    verify,
    isBelieved: peer => isBelieved(peer, own.household),
    // Inside a zone energy pays no grid fee.
    gridFeeMicro: seller => (needs.inZone(seller) ? 0 : tariffHeard(filter => flows.offers(filter), own).gridFeeMicro),
    beyondZone: () => needs.connected().flatMap(({ peer }) => (needs.inZone(peer) ? [] : [peer])),
    nearby: () => needs.connected().flatMap(({ peer }) => (needs.inZone(peer) && needs.trades(peer) ? [peer] : [])),
    isConnected: needs.isConnected,
    inZone: needs.inZone,
    metered: needs.metered,
    books: needs.books,
  })
  return flows
}

/** Who is both is a utility to its neighbours, and stays one. */
function sellsAs(isUtility: boolean, hasBattery: boolean): Pick<Catalog, 'role' | 'sourceType'> {
  if (isUtility) return { role: 'utility', sourceType: 'GRID' }
  return { role: 'household', sourceType: hasBattery ? 'HYBRID' : 'SOLAR' }
}

/** Whether this peer takes part in the market by itself; a scenario opens it when everybody is there. */
function openFloor({ options: own, wake }: TradingContext) {
  /** undefined: it has never been open, so no slot was decided about. */
  let isOpen: boolean | undefined = own.market.autoOpen ? true : undefined
  return {
    isOpen: () => isOpen,
    open() {
      isOpen = true
      wake()
    },
    /** Decides about no further slot; what is agreed is delivered, metered and settled. */
    close() {
      isOpen = isOpen === undefined ? undefined : false
    },
  }
}

/** What the passing of time brings: searches close, silent steps end, reservations run out, deliveries are settled. */
function timeRound({ market }: TradingContext, flows: TradeFlows): Round<TradingFact> {
  return {
    name: 'time',
    due() {
      const { wallMs, marketMs } = flows.nextDeadline()
      const due = [wallMs, marketMs === undefined ? undefined : market.toWallMs(marketMs)].filter(
        ms => ms !== undefined,
      )
      return due.length === 0 ? undefined : Math.min(...due)
    },
    turn: () => flows.tick(),
  }
}

/**
 * Somebody of our zone who trades is connected and has said who it is: it may know catalogs that were missed. A pull goes
 * straight; for a peer heard of from afar it would wait before the orders that a topic can carry.
 */
function pullRound(needs: TradingNeeds, flows: TradeFlows) {
  /** Connected, and not asked yet. */
  const unasked = new Set<PeerId>()
  const ready = (): PeerId[] => [...unasked].filter(peer => needs.trades(peer) && needs.inZone(peer))
  const round: Round<TradingFact> = {
    name: 'pull',
    due: () => (ready().length === 0 ? undefined : 0),
    async plan() {
      const peers = ready()
      for (const peer of peers) unasked.delete(peer)
      return () => together(peers.map(flows.joined))
    },
  }
  return {
    round,
    onPeer({ peer, connected }: { readonly peer: PeerId; readonly connected: boolean }) {
      if (connected) unasked.add(peer)
      else unasked.delete(peer)
      return connected ? undefined : () => flows.left(peer)
    },
  }
}

function together<Fact>(outcomes: readonly Outcome<Fact>[]): Outcome<Fact> {
  return {
    facts: outcomes.flatMap(({ facts }) => facts),
    messages: outcomes.flatMap(({ messages }) => messages),
    answer: acknowledged,
  }
}

/** What is known of a slot's prices: the utility's tariff where one is heard, else this peer's own idea of it. */
function pricesOf({ self, market, options: own }: TradingContext, flows: TradeFlows, slotNumber: number): Prices {
  const { retailMicro, feedInMicro } = tariffHeard(flows.offers, own)
  const costOf = flows.costs()
  const offers = flows
    .offers({ slot: market.slot(slotNumber) })
    .filter(({ catalog }) => catalog.seller !== self && catalog.role === 'household')
    .map(listing => costOf(listing).landedMicro)
  return {
    retailMicro,
    feedInMicro,
    sellMicro: own.household.sellPriceMicro,
    bestOfferMicro: offers.length === 0 ? undefined : Math.min(...offers),
  }
}

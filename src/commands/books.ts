import { socView } from '../domains/agents/soc/view.ts'
import { signedText } from '../domains/trading/contract.ts'
import { neighbourAccount } from '../domains/trading/settlement/ledger.ts'
import type { Trade } from '../domains/trading/trade.ts'
import type { PeerId, TaskId } from '../kernel/ids.ts'
import { verifySignature } from '../protocol/keys.ts'
import { renderAside } from '../reports/aside.ts'
import { type CommandDeps, decided } from './deps.ts'
import { ownReport } from './own-report.ts'

/** Of all households together; the newest. */
const MOST_READINGS = 20_000

/** What was delivered and is owed; what the utility was told; the report. */
export function bookCommands(deps: CommandDeps) {
  const { config, storage, trading, clock } = deps
  const { creditMicro } = config.options.household

  function neighbours() {
    const open = storage.trading.tradesInState('active')
    const accounts = storage.trading
      .accounts()
      .filter(({ account }) => account.startsWith(neighbourAccount('' as PeerId)))
    const peers = [...accounts.map(({ account }) => account.slice(neighbourAccount('' as PeerId).length) as PeerId)]
    return [...new Set([...peers, ...open.map(trade => trade.counterparty)])].map(peer => ({
      peer,
      name: storage.peers.peer(peer)?.name ?? '',
      balanceMicro: storage.trading.accountMicro(neighbourAccount(peer)),
      limitMicro: creditMicro,
      unsettledWh: open.filter(trade => trade.counterparty === peer).reduce((sum, trade) => sum + trade.energyWh, 0),
    }))
  }

  return {
    /** A trade with the verdict on its signatures. */
    signedTrade(id: string): (Trade & { signaturesGood?: { buyer: boolean; seller: boolean } }) | undefined {
      const trade = storage.trading.trade(id as TaskId)
      if (trade?.contract === undefined) return trade
      const { terms, signatures } = trade.contract
      const good = (side: 'buyer' | 'seller'): boolean =>
        verifySignature(terms[side], signedText(terms), signatures[side]) === true
      return { ...trade, signaturesGood: { buyer: good('buyer'), seller: good('seller') } }
    },

    ledger(limit: number) {
      const balances = storage.trading.accounts()
      const batches = storage.trading.batches(limit).toReversed()
      return {
        currency: config.options.market.currency,
        balances,
        neighbours: neighbours(),
        batches,
        sumMicro: balances.reduce((sum, { micro }) => sum + micro, 0),
        unbalanced: batches.filter(({ postings }) => postings.reduce((sum, { micro }) => sum + micro, 0) !== 0).length,
      }
    },
    netWith: (peer: string) => decided(deps, () => trading.netWith(peer as PeerId)),
    paid: (peer: string, micro: number) => decided(deps, () => trading.paidBy(peer as PeerId, micro)),
    receipts: (limit: number) => storage.trading.receipts(limit),

    decisions: (limit: number) => storage.energy.decisions(limit),
    slots: (limit: number) => storage.energy.slots(limit),
    readings: (limit: number) => storage.energy.readings(limit),

    /** What the households told the utility; newest rounds last. */
    soc() {
      const told = storage.soc.readings(MOST_READINGS)
      const readings = Map.groupBy(told, ({ peer }) => peer)
      const history = {
        readings: told,
        rounds: storage.soc.rounds(),
        refusals: storage.soc.refusals(),
      }
      return {
        rounds: history.rounds.toSorted((a, b) => a.startedMs - b.startedMs),
        households: [...readings].map(([peer, told]) => {
          const points = told.toSorted((a, b) => a.atMs - b.atMs).map(({ atMs, socWh }) => ({ atMs, socWh }))
          const { atMs = 0, socWh = 0 } = points.at(-1) ?? {}
          return { peer, name: storage.peers.peer(peer)?.name ?? '', socWh, atMs, points }
        }),
        view: socView(history, clock.now()),
      }
    },

    reportData: () => ownReport(deps),
    report: () => renderAside(ownReport(deps)),
  }
}

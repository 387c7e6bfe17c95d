import type { ReportData } from '../../reports/report-data.ts'
import type { Snapshot } from './snapshot.ts'

/** What the arithmetic of a scenario says must come out, where it says anything. */
export interface Reference {
  readonly localShare: number
  readonly saving: number
}

/** Energy, bill, books and states of charge of a run. */
export interface EnergyFigures {
  readonly energy: { readonly tradedWh: number; readonly localShare: number; readonly selfSufficiency: number }
  readonly bill: {
    readonly savingVsUtilityOnly: number
    /** What the bill is held against, in words. */
    readonly baseline: string
    /** What the arithmetic of the scenario says. */
    readonly expected?: Reference
  }
  readonly ledger: {
    readonly sumMicro: number
    readonly batches: number
    readonly unbalancedBatches: number
    /** Pairs of peers that do not agree on who owes whom how much. */
    readonly unequalPairs: number
  }
  readonly soc: { readonly rounds: number; readonly asked: number; readonly answered: number; readonly refused: number }
}

/** Within two percentage points. */
const NEAR = 0.02

/** Energy, bill, books and states of charge, of all peers together. */
export function energyFigures(
  { totals }: ReportData,
  snapshots: readonly Snapshot[],
  reference: Reference | undefined,
): EnergyFigures {
  const expected = reference === undefined ? {} : { expected: reference }
  return {
    energy: {
      tradedWh: totals.tradedWh ?? 0,
      localShare: totals.localShare ?? 0,
      selfSufficiency: totals.selfSufficiency ?? 0,
    },
    bill: { savingVsUtilityOnly: totals.saving ?? 0, baseline: totals.baseline ?? 'nothing was bought', ...expected },
    ledger: booksOf(snapshots),
    soc: socOf(snapshots),
  }
}

/** Whether the shares are those of the arithmetic. */
export function isAsExpected({ energy, bill }: Pick<EnergyFigures, 'energy' | 'bill'>): boolean {
  const { expected } = bill
  if (expected === undefined) return true
  return (
    Math.abs(energy.localShare - expected.localShare) <= NEAR &&
    Math.abs(bill.savingVsUtilityOnly - expected.saving) <= NEAR
  )
}

/** Each peer's postings sum to zero, and what one says another owes it, the other says too. */
function booksOf(snapshots: readonly Snapshot[]): EnergyFigures['ledger'] {
  const owed = new Map<string, number>()
  for (const { peerId, ledger } of snapshots) {
    for (const { peer, balanceMicro } of ledger.neighbours) {
      const pair = [peerId, peer].sort().join(' ')
      owed.set(pair, (owed.get(pair) ?? 0) + balanceMicro)
    }
  }
  const mismatched = [...owed.values()].filter(micro => micro !== 0)
  const own = snapshots.reduce((sum, { ledger }) => sum + ledger.sumMicro, 0)
  return {
    sumMicro: own + mismatched.reduce((sum, micro) => sum + micro, 0),
    batches: snapshots.reduce((sum, { ledger }) => sum + ledger.batches.length, 0),
    unbalancedBatches: snapshots.reduce((sum, { ledger }) => sum + ledger.unbalanced, 0),
    unequalPairs: mismatched.length,
  }
}

function socOf(snapshots: readonly Snapshot[]): EnergyFigures['soc'] {
  const rounds = snapshots.flatMap(({ soc }) => soc.rounds)
  const sum = (of: (round: (typeof rounds)[number]) => number): number => rounds.reduce((n, round) => n + of(round), 0)
  return {
    rounds: rounds.length,
    asked: sum(round => round.asked),
    answered: sum(round => round.answered),
    refused: sum(round => round.refused),
  }
}

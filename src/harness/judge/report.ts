import type { ReportData } from '../../reports/report-data.ts'
import type { Death } from '../scenario/kill-plan.ts'
import { type EnergyFigures, energyFigures, isAsExpected, type Reference } from './energy-figures.ts'
import type { Invariant } from './invariant.ts'
import type { Snapshot } from './snapshot.ts'
import { type Answers, type Asked, type TaskFigures, taskFigures, taskInvariants } from './task-figures.ts'
import { aboveCheapest, contracts, type Online, oversoldWh, unanswered } from './trade-checks.ts'

export interface Counters {
  readonly signed: number
  readonly verified: number
  readonly rejected: number
  readonly deadLettered: number
}

/** What a run came to; written by `--json FILE`. */
export interface Report extends EnergyFigures {
  readonly peers: { readonly started: number; readonly knownMin: number; readonly discoverySeconds: number }
  readonly messages: Counters
  readonly trades: {
    readonly searches: number
    /** Searches no seller answered though one was online and had something. */
    readonly unanswered: number
    readonly confirmed: number
    readonly cancelled: number
    readonly expired: number
    readonly aboveCheapest: number
    readonly oversoldWh: number
    /** Searches that came to nothing, by reason. */
    readonly failedBecause: Readonly<Record<string, number>>
  }
  readonly contracts: { readonly total: number; readonly unequal: number; readonly settled: number }
  readonly tasks: TaskFigures & { readonly chunksEmbedded: number }
  readonly killed: readonly string[]
  readonly invariants: readonly Invariant[]
  readonly seed: number
  readonly durationSeconds: number
}

export interface Observed {
  readonly snapshots: readonly Snapshot[]
  /** Everything that was traded and measured. */
  readonly street: ReportData
  readonly reference?: Reference
  readonly online: Online
  readonly counters: Counters
  readonly discoverySeconds: number
  readonly knownMin: number
  readonly deaths: readonly Death[]
  /** What a scenario asked for, and what was answered, where that was judged. */
  readonly asked?: Omit<Asked, 'killed'>
  readonly answers?: Answers
  /** Vectors in the results that were fetched. */
  readonly chunksEmbedded: number
  readonly seed: number
  readonly durationSeconds: number
}

/** After the storm: what happened, and whether it was as it must be. */
export function createReport(observed: Observed): Report {
  const { snapshots, knownMin, deaths, answers } = observed
  const trades = tradeFigures(snapshots, observed)
  const agreed = contracts(snapshots)
  const seen = { peers: snapshots, deaths, ...(answers === undefined ? {} : { answers }) }
  const tasks = { ...taskFigures(seen), chunksEmbedded: observed.chunksEmbedded }
  const figures = {
    peers: { started: snapshots.length, knownMin, discoverySeconds: observed.discoverySeconds },
    messages: observed.counters,
    trades,
    contracts: { total: agreed.total, unequal: agreed.unequal.length, settled: settledOf(snapshots) },
    ...energyFigures(observed.street, snapshots, observed.reference),
    tasks,
    killed: deaths.map(({ name }) => name),
  }
  const rest = { seed: observed.seed, durationSeconds: observed.durationSeconds }
  const asked = observed.asked === undefined ? undefined : { ...observed.asked, killed: deaths.length }
  const invariants = [...judge(figures, agreed.unequal), ...taskInvariants(tasks, asked)]
  return { ...figures, invariants, ...rest }
}

function tradeFigures(
  snapshots: readonly Snapshot[],
  { online, deaths }: Pick<Observed, 'online' | 'deaths'>,
): Report['trades'] {
  const bought = snapshots.flatMap(({ trades }) => trades.filter(trade => trade.role === 'buyer'))
  const inState = (state: string): number => bought.filter(trade => trade.state === state).length
  return {
    searches: snapshots.reduce((sum, { needs }) => sum + needs.length, 0),
    confirmed: inState('active') + inState('settled'),
    cancelled: inState('cancelled'),
    expired: inState('expired'),
    unanswered: unanswered(snapshots, online, deaths),
    aboveCheapest: aboveCheapest(snapshots),
    oversoldWh: oversoldWh(snapshots),
    failedBecause: failures(snapshots),
  }
}

function settledOf(snapshots: readonly Snapshot[]): number {
  return snapshots.flatMap(({ trades }) => trades).filter(({ role, state }) => role === 'buyer' && state === 'settled')
    .length
}

function failures(snapshots: readonly Snapshot[]): Record<string, number> {
  const reasons: Record<string, number> = {}
  for (const { state, reason } of snapshots.flatMap(({ needs }) => needs)) {
    if (state === 'failed') reasons[reason] = (reasons[reason] ?? 0) + 1
  }
  return reasons
}

function judge(
  report: Omit<Report, 'invariants' | 'seed' | 'durationSeconds'>,
  unequal: readonly string[],
): Invariant[] {
  const { trades, contracts: agreed, peers, energy, bill, ledger } = report
  const none = (name: string, count: number, what: string): Invariant => ({
    name,
    holds: count === 0,
    detail: `${count} ${what}`,
  })
  return [
    {
      name: 'everybody found everybody',
      holds: peers.knownMin >= peers.started - 1,
      detail: `each of ${peers.started} peers knows at least ${peers.knownMin} others`,
    },
    none('nobody paid more than the cheapest landed offer', trades.aboveCheapest, 'trades above it'),
    none('no watt-hour was sold twice', trades.oversoldWh, 'Wh oversold'),
    {
      ...none('both sides hold the same contract', agreed.unequal, `of ${agreed.total} contracts differ`),
      detail: `${agreed.unequal} of ${agreed.total} contracts differ${unequal.length === 0 ? '' : `: ${unequal.slice(0, 3).join('; ')}`}`,
    },
    none('every search was answered when a seller was there', trades.unanswered, 'searches unanswered'),
    none('everything delivered was settled', agreed.total - agreed.settled, `of ${agreed.total} contracts unsettled`),
    {
      name: 'the books sum to zero',
      holds: ledger.sumMicro === 0 && ledger.unbalancedBatches === 0 && ledger.unequalPairs === 0,
      detail: `${ledger.batches} entries, ${ledger.unbalancedBatches} unbalanced, ${ledger.unequalPairs} pairs disagree`,
    },
    ...(bill.expected === undefined
      ? []
      : [
          {
            name: 'local share and saving are what the arithmetic says',
            holds: isAsExpected(report),
            detail: `${percent(energy.localShare)} local of ${percent(bill.expected.localShare)}, ${percent(bill.savingVsUtilityOnly)} saved of ${percent(bill.expected.saving)}`,
          },
        ]),
  ]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

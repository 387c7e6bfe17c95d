import type { CpuInfo } from 'node:os'

export interface ProcessorDeps {
  readonly cpus: () => readonly Pick<CpuInfo, 'times'>[]
  /** Processor time of this process, all its threads, since its start. */
  readonly ownCpuMs: () => number
}

/**
 * Processor use of everybody but this process since the last call, in percent of the whole machine. `systeminformation`
 * reads the same counters over a span of its own, from which our share could not be taken off exactly. Undefined at the
 * first call, and where the system hides its counters.
 */
export function createProcessorProbe({ cpus, ownCpuMs }: ProcessorDeps): () => Promise<number | undefined> {
  let before: Sample | undefined

  return async () => {
    const now = { ...totals(cpus()), ownMs: ownCpuMs() }
    const last = before
    before = now
    if (last === undefined) return undefined
    const allMs = now.allMs - last.allMs
    // Counters of a machine that slept or moved may run backwards.
    if (allMs <= 0 || now.idleMs < last.idleMs) return undefined
    const othersMs = allMs - (now.idleMs - last.idleMs) - (now.ownMs - last.ownMs)
    return Math.min(100, Math.max(0, (100 * othersMs) / allMs))
  }
}

interface Sample {
  readonly allMs: number
  readonly idleMs: number
  readonly ownMs: number
}

function totals(cores: readonly Pick<CpuInfo, 'times'>[]): Omit<Sample, 'ownMs'> {
  let [allMs, idleMs] = [0, 0]
  for (const { times } of cores) {
    allMs += times.user + times.nice + times.sys + times.irq + times.idle
    idleMs += times.idle
  }
  return { allMs, idleMs }
}

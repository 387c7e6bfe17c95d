import type { Allocation, Metered, Quality } from '../../protocol/contract.ts'

/**
 * What the meter vouches for on either side of the trades of its slot, before it is divided among them. A household that
 * buys and sells in one slot passes energy through: its net meter shows only the difference, so what one side of its
 * trades brings counts for the other. Never more than was traded.
 */
export function throughMeter(
  { importWh, exportWh, quality }: Metered,
  { boughtWh, soldWh }: { readonly boughtWh: number; readonly soldWh: number },
): Metered {
  return {
    importWh: Math.min(boughtWh, importWh + soldWh),
    exportWh: Math.min(soldWh, exportWh + boughtWh),
    quality,
  }
}

interface Share {
  readonly contractId: string
  readonly energyWh: number
}

/**
 * Divides what was metered among the trades of one slot and one role, pro rata to what was agreed. A meter that saw
 * enough covers every trade whole; none ever gets more than its own energy, and together they get no more than was
 * metered. Watt-hours stay whole by largest remainder, the smaller contract id first among equals, so that the
 * order of `trades` does not matter.
 */
export function allocate(
  meteredWh: number,
  quality: Quality,
  trades: readonly Share[],
): ReadonlyMap<string, Allocation> {
  const agreedWh = trades.reduce((sum, trade) => sum + trade.energyWh, 0)
  const availableWh = Math.min(Math.max(0, meteredWh), agreedWh)
  // The products may pass 2^53; their quotients never do.
  const shares = trades.map(({ contractId, energyWh }) => {
    const product = BigInt(energyWh) * BigInt(availableWh)
    const whole = agreedWh === 0 ? 0n : product / BigInt(agreedWh)
    return { contractId, wholeWh: Number(whole), remainder: product - whole * BigInt(agreedWh) }
  })
  const leftWh = availableWh - shares.reduce((sum, share) => sum + share.wholeWh, 0)
  const roundedUp = new Set(shares.toSorted(byRemainder).slice(0, leftWh))
  return new Map(
    shares.map(share => [share.contractId, { energyWh: share.wholeWh + (roundedUp.has(share) ? 1 : 0), quality }]),
  )
}

function byRemainder(
  a: { readonly contractId: string; readonly remainder: bigint },
  b: { readonly contractId: string; readonly remainder: bigint },
): number {
  if (a.remainder !== b.remainder) return a.remainder > b.remainder ? -1 : 1
  return a.contractId < b.contractId ? -1 : 1
}

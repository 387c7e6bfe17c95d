import { costMicro } from '../../kernel/money.ts'

/** A sale agreed or about to be, that no settlement has put into the books yet. */
export interface OpenSale {
  readonly energyWh: number
  readonly priceMicro: number
}

/**
 * How much more one neighbour may buy on credit, in millionths: the limit, less what it owes already (`balanceMicro`, as
 * `balanceWith` says it; what this peer owes the neighbour adds to it), less its open purchases. Never below zero.
 */
export function creditLeftMicro(limitMicro: number, balanceMicro: number, openSales: readonly OpenSale[]): number {
  const openMicro = openSales.reduce((sum, sale) => sum + costMicro(sale.energyWh, sale.priceMicro), 0)
  return Math.max(0, limitMicro - balanceMicro - openMicro)
}

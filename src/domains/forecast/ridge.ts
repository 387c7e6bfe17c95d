import type { Stretch } from './series.ts'

/** What is known of each slot, and what came of it. */
export interface Rows {
  /** Row after row; the first number of each is 1. */
  readonly x: Float64Array
  readonly y: Float64Array
  readonly size: number
}

/** All that a fit needs of its rows: they may be added as they come. */
export interface Sums {
  /** Of products, the lower triangle row by row. */
  readonly xx: Float64Array
  readonly xy: Float64Array
}

export interface Fit {
  readonly plain: Float64Array
  /** For the least absolute error: what it says is as often too much as too little. */
  readonly robust: Float64Array
}

const CONSTANT_PENALTY = 1e-9
const REWEIGHTINGS = 3
/** A row counts by this over its error, but no error as less than the other. */
const SCALE = 0.1
const LEAST_ERROR = 0.02

export function emptySums(size: number): Sums {
  return { xx: new Float64Array((size * (size + 1)) / 2), xy: new Float64Array(size) }
}

/** @param weights of all rows; undefined: each counts as 1 */
export function addRows(
  { xx, xy }: Sums,
  { x, y, size }: Rows,
  { from, to, weights }: Stretch & { readonly weights?: Float64Array },
): void {
  for (let row = from; row < to; row++) {
    const at = row * size
    const weight = weights === undefined ? 1 : (weights[row] as number)
    for (let i = 0, cell = 0; i < size; i++) {
      const scaled = weight * (x[at + i] as number)
      for (let j = 0; j <= i; j++, cell++) xx[cell] = (xx[cell] as number) + scaled * (x[at + j] as number)
      xy[i] = (xy[i] as number) + scaled * (y[row] as number)
    }
  }
}

/** The coefficients with the least squared error plus `penalty` times their squares, which spares the constant. */
export function solve({ xx, xy }: Sums, penalty: number): Float64Array {
  const size = xy.length
  const lower = xx.slice()
  for (let i = 0; i < size; i++) {
    lower[at(i, i)] = (lower[at(i, i)] as number) + (i === 0 ? CONSTANT_PENALTY : penalty)
  }
  factorise(lower, size)
  return substitute(lower, xy)
}

/** The same, and with rows weighed by the error that they had. */
export function fitRows(rows: Rows, penalty: number): Fit {
  const [from, to] = [0, rows.y.length]
  const weights = new Float64Array(to).fill(1)
  const fitted = (): Float64Array => {
    const sums = emptySums(rows.size)
    addRows(sums, rows, { from, to, weights })
    return solve(sums, penalty)
  }
  const plain = fitted()
  let robust = plain
  for (let time = 0; time < REWEIGHTINGS; time++) {
    for (let row = from; row < to; row++) {
      const error = Math.abs(product(rows.x, row * rows.size, robust) - (rows.y[row] as number))
      weights[row] = SCALE / Math.max(error, LEAST_ERROR)
    }
    robust = fitted()
  }
  return { plain, robust }
}

/** What a row says; no house uses less than nothing. */
export function predicted(x: Float64Array, row: number, coefficients: Float64Array): number {
  return Math.max(0, product(x, row * coefficients.length, coefficients))
}

function product(x: Float64Array, from: number, coefficients: Float64Array): number {
  let sum = 0
  for (let i = 0; i < coefficients.length; i++) sum += (x[from + i] as number) * (coefficients[i] as number)
  return sum
}

const at = (i: number, j: number): number => (i * (i + 1)) / 2 + j

/** Cholesky: a lower triangle whose product with itself is the matrix, in its place. */
function factorise(lower: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = lower[at(i, j)] as number
      for (let k = 0; k < j; k++) rest -= (lower[at(i, k)] as number) * (lower[at(j, k)] as number)
      lower[at(i, j)] = i === j ? Math.sqrt(rest) : rest / (lower[at(j, j)] as number)
    }
  }
}

function substitute(lower: Float64Array, right: Float64Array): Float64Array {
  const size = right.length
  const found = right.slice()
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) found[i] = (found[i] as number) - (lower[at(i, j)] as number) * (found[j] as number)
    found[i] = (found[i] as number) / (lower[at(i, i)] as number)
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let j = i + 1; j < size; j++)
      found[i] = (found[i] as number) - (lower[at(j, i)] as number) * (found[j] as number)
    found[i] = (found[i] as number) / (lower[at(i, i)] as number)
  }
  return found
}

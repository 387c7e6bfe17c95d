/** Numbers that share a row. A row of postings is at most a kilobyte, so that adding one rewrites little. */
export const BLOCK = 256

/** In which row a number stands, and where in it. */
export function placeOf(number: number): { readonly block: number; readonly slot: number } {
  return { block: Math.floor(number / BLOCK), slot: number % BLOCK }
}

/** Empty when there is no such row. */
export function bytesOf(column: unknown): Uint8Array {
  return column instanceof Uint8Array ? column : new Uint8Array()
}

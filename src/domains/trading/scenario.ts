import { createHash } from 'node:crypto'
import type { PeerId } from '../../kernel/ids.ts'
import type { Random } from '../../kernel/random.ts'

interface Mishaps {
  readonly roles: readonly string[]
  readonly market: { readonly offlineShare: number; readonly seed: number }
  readonly network: { readonly lossShare: number }
}

/**
 * What a scenario does to a peer on purpose: a share of the searches never reaches it, a share of all messages is lost.
 * Outside of scenarios both shares are 0, and everything is heard.
 */
export function createMishaps(options: Mishaps, self: PeerId, random: Random): (bytes: Uint8Array) => boolean {
  const { offlineShare, seed } = options.market
  const { lossShare } = options.network
  const household = options.roles.includes('household')
  return bytes => {
    if (lossShare > 0 && random() < lossShare) return false
    if (offlineShare === 0 || !household) return true
    const search = searchIn(bytes)
    return search === undefined || !isAway(seed, self, search, offlineShare)
  }
}

/** Chance that everybody can recompute: whether a peer cannot be reached for a search. */
export function isAway(seed: number, peer: PeerId, search: string, offlineShare: number): boolean {
  return createHash('sha256').update(`${seed}/${peer}/${search}`).digest().readUInt32BE(0) / 2 ** 32 < offlineShare
}

/** The search a message opens; undefined: it is something else. */
function searchIn(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (!text.includes('"type":"beckn.discover"')) return undefined
  return /"task_id":"([^"]{1,64})"/.exec(text)?.[1]
}

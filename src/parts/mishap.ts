import { createHash } from 'node:crypto'
import type { Options } from '../config/options.ts'
import { digestOf } from '../domains/tasks/kinds/chunk.ts'
import type { Chunk } from '../domains/tasks/kinds/chunker.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Reachable } from './reception.ts'

/**
 * What a scenario does to a peer on purpose: a share of the searches never reaches it, a share of all messages is lost,
 * a share of its answers is wrong. Outside of scenarios all shares are 0, and everything is heard and meant.
 */
export function createMishaps(options: Options, self: PeerId, random: Random): Reachable {
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

/** What a peer that lies says for an answer it has; who does not lie gives it as it is. */
export function createLies({ compute: { lieShare } }: Options, random: Random): (output: unknown) => unknown {
  return output => (lieShare > 0 && random() < lieShare ? falsified(output) : output)
}

/**
 * The hardest lie to see: right in shape, whole, plausible, with a digest that fits; only the first chunk has one token
 * too many. All liars tell the same one, so two of them agree. Answers without chunks stay as they are.
 */
export function falsified(output: unknown): unknown {
  const { chunks: [first, ...others] = [], digest } = output as { chunks?: readonly Chunk[]; digest?: string }
  if (first === undefined) return output
  const chunks = [{ ...first, tokens: first.tokens + 1 }, ...others]
  return { ...(output as object), chunks, ...(digest === undefined ? {} : { digest: digestOf(chunks) }) }
}

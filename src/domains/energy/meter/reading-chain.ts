import { createHash } from 'node:crypto'
import { canonical } from '../../../protocol/canonical.ts'
import type { DataQuality } from './meter.ts'

/**
 * One link of a meter's chain: what it said of a slot, signed, and bound to the link before by its hash, so that nobody
 * changes, drops or inserts a reading afterwards unseen.
 */
export interface Reading {
  readonly meterId: string
  /** 1 for the first link of this meter, then one more each. */
  readonly link: number
  readonly slot: number
  readonly slotMs: number
  /** The last slot that is final with this link: its own, or for a correction that of the link before. */
  readonly finalSlot: number
  readonly importWh: number
  readonly exportWh: number
  /** OK: measured. ESTIMATED: put in the place of a reading that was MISSING or BAD. */
  readonly quality: DataQuality
  /** What a substitute stands for. */
  readonly substitutes?: 'MISSING' | 'BAD'
  /**
   * Measured too late: a substitute was final by then. Kept beside it as a correction, and settles nothing. The hash is
   * that of the substitute.
   */
  readonly corrects?: string
  /** Hash of the link before; `FIRST_LINK` for the first. */
  readonly previous: string
  /** SHA-256 of what is signed, hex. */
  readonly hash: string
  /** Ed25519 over `readingText`, base64url. */
  readonly signature: string
}

export type ReadingFact = { readonly kind: 'energy.reading'; readonly reading: Reading }

/** What is new in a link; the chain adds the rest. */
export type Link = Pick<
  Reading,
  'meterId' | 'slot' | 'slotMs' | 'importWh' | 'exportWh' | 'quality' | 'substitutes' | 'corrects'
>

export const FIRST_LINK = '0'.repeat(64)

/** Appends to the chain that ends in `last`; undefined: the meter's first reading. */
export function appendReading(last: Reading | undefined, link: Link, sign: (text: string) => string): Reading {
  if (last !== undefined && last.meterId !== link.meterId)
    throw new TypeError(`a reading of ${link.meterId} cannot follow one of ${last.meterId}`)
  const finalSlot = link.corrects === undefined ? link.slot : (last?.finalSlot ?? link.slot)
  const body = { ...link, finalSlot, link: (last?.link ?? 0) + 1, previous: last?.hash ?? FIRST_LINK }
  const text = readingText(body)
  return { ...body, hash: hashOf(text), signature: sign(text) }
}

/** The domain prefix keeps this signature from meaning anything else. */
function readingText(body: Omit<Reading, 'hash' | 'signature'>): string {
  return `wattmesh/reading/1\n${canonical(body)}`
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The first link that is wrong, and what is wrong with it. */
export interface BrokenLink {
  readonly link: number
  readonly slot: number
  readonly problem: string
}

/**
 * Checks links in the order they were appended, and finds the first that is wrong; undefined: all is well. `before` is
 * the link before the first given; without it the chain may begin anywhere, and only its own ends are not vouched for.
 */
export function verifyChain(
  readings: readonly Reading[],
  verify: (text: string, signature: string) => boolean,
  before?: Reading,
): BrokenLink | undefined {
  let last = before
  for (const reading of readings) {
    const problem = problemOf(reading, verify) ?? (last === undefined ? startProblem(reading) : joint(last, reading))
    if (problem !== undefined) return { link: reading.link, slot: reading.slot, problem }
    last = reading
  }
  return undefined
}

function problemOf(reading: Reading, verify: (text: string, signature: string) => boolean): string | undefined {
  const { hash, signature, ...body } = reading
  const text = readingText(body)
  if (hashOf(text) !== hash) return 'its content does not match its hash: it was changed'
  if (!verify(text, signature)) return 'its signature is not the meter owner’s'
  const energies = [reading.importWh, reading.exportWh]
  if (!energies.every(wh => Number.isSafeInteger(wh) && wh >= 0)) return 'its energies are no whole Wh'
  return undefined
}

function startProblem({ link, previous }: Reading): string | undefined {
  return (link === 1) === (previous === FIRST_LINK) ? undefined : 'it is not the first, but names none before it'
}

function joint(last: Reading, reading: Reading): string | undefined {
  if (reading.meterId !== last.meterId) return `it is of another meter: ${reading.meterId}`
  if (reading.link !== last.link + 1) return `link ${last.link + 1} is missing before it`
  if (reading.previous !== last.hash) return `it does not follow link ${last.link}`
  if (reading.corrects === undefined && reading.slot <= last.finalSlot) return 'its slot was final already'
  return undefined
}

/** What trades are settled by: whatever is not measured is an estimate. */
export function meteredOf({ importWh, exportWh, quality }: Reading): {
  readonly importWh: number
  readonly exportWh: number
  readonly quality: 'OK' | 'ESTIMATED'
} {
  return { importWh, exportWh, quality: quality === 'OK' ? 'OK' : 'ESTIMATED' }
}

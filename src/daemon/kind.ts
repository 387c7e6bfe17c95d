import type { z } from 'zod'
import type { JsonObject } from '../kernel/outcome.ts'
import type { Asks, Lendable, WorkContext } from '../threads/kind.ts'

export type { KindErrorCode } from '../threads/failures.ts'
export type { WorkContext } from '../threads/kind.ts'

export interface DonePart<Input, Output> {
  readonly input: Input
  readonly output: Output
}

/** The types of a kind, by name. All but `result` are JSON. */
export interface KindShape {
  /** What somebody submits: a document, a list of numbers, … */
  readonly source: unknown
  readonly params: unknown
  /** What a worker gets of it, and what comes back. */
  readonly input: unknown
  readonly output: unknown
  readonly result: unknown
  /** What its parts are lent; `never`: nothing. */
  readonly asks: keyof Lendable
}

export interface KindLimits<Input> {
  /** Bytes of a part: of texts, in UTF-8. */
  readonly maxInputBytes: number
  /** What a slow device (a single-board computer without a native engine) may take. */
  maxRunMs(input: Input): number
  /** Memory of the whole worker thread while it runs a part, for deciding who can take it. */
  readonly maxMemoryMb: number
}

/**
 * A kind of task: what may be submitted and how it is split into parts, how a worker does one, how a stranger's answer is
 * checked, and how answers become a result. Pure: no clock, no network, no files but the model's. A domain brings its
 * kinds: to add one is to add one file with such an object and a line in the domain's table.
 *
 * Inputs and outputs travel as JSON in signed messages of at most 1 MiB.
 */
export interface Kind<Shape extends KindShape> {
  readonly name: string
  /** Raised when the same input gives another output. Peers advertise it, and only equal versions work together. */
  readonly version: number
  /** With an embedder its answers depend on the model, and its parameters take a `fingerprint`. */
  readonly asks: { readonly [Name in Shape['asks']]: true }
  readonly source: z.ZodType<Shape['source']>
  readonly params: z.ZodType<Shape['params']>
  readonly input: z.ZodType<Shape['input']>
  readonly output: z.ZodType<Shape['output']>
  readonly limits: KindLimits<Shape['input']>
  /** Parts in order. Lazy, so that a large source does not hold up the event loop; deterministic and lossless. */
  split(source: Shape['source'], params: Shape['params']): Iterable<Shape['input']>
  /** Does one part. @throws CodedError<KindErrorCode>, or the signal's reason */
  run(input: Shape['input'], params: Shape['params'], context: WorkContext<Shape['asks']>): Promise<Shape['output']>
  /** A cheap check of an output somebody else computed: the reason why it is wrong, or undefined. Needs no model. */
  verify(part: DonePart<Shape['input'], Shape['output']>, params: Shape['params']): string | undefined
  /** Whether two outputs for the same input count as the same answer. */
  agrees(a: Shape['output'], b: Shape['output']): boolean
  /**
   * Of a kind whose result is a list: what one part adds to it, with places in the whole source. The list may be larger
   * than memory, so it is given out part by part and never merged.
   */
  rows?(part: DonePart<Shape['input'], Shape['output']>): readonly JsonObject[]
  /** @param parts all of them, in the order of `split` @throws CodedError<'TASK_PARTS_INCOMPLETE'> */
  merge(parts: readonly DonePart<Shape['input'], Shape['output']>[]): Shape['result']
}

interface Unknown extends KindShape {
  readonly asks: never
}

/** A kind whose types are known only to itself; parse with its schemas before calling it. */
export type AnyKind = Kind<Unknown>
export type KindTable = Readonly<Record<string, AnyKind>>

/** A table of kinds, and the module that exports it as `kinds`: functions do not travel, so each thread imports them anew. */
export interface KindModule {
  readonly kinds: KindTable
  readonly module: URL
}

/** Whether its answers depend on which model computed them. */
export function takesModel({ asks }: { readonly asks: Asks }): boolean {
  return asks.embedder === true
}

import type { z } from 'zod'
import type { JsonObject } from '../../../kernel/outcome.ts'
import type { Embedder, TokenCounter } from './embedder.ts'
import type { SourceText } from './source-text.ts'

/** What a worker thread lends to a part while it runs. Both models are opened at the first call and kept. */
export interface WorkContext {
  /** The model's tokenizer alone: a few MB. */
  counter(): Promise<TokenCounter>
  /** The whole model: some 200 MB. */
  embedder(): Promise<Embedder>
  /** Aborts when the result is no longer wanted. */
  readonly signal: AbortSignal
  progress(done: number, total: number): void
}

const kindErrorCodes = [
  /** Parameters or input that the kind's schemas refuse. */
  'TASK_BAD_INPUT',
  /** The task asks for vectors of another model than this node has. */
  'TASK_MODEL_MISMATCH',
  /** The model that this node's configuration names cannot be opened or asked. */
  'TASK_MODEL_UNAVAILABLE',
  /** Parts to merge that do not cover the document in order, or do not belong together. */
  'TASK_PARTS_INCOMPLETE',
] as const

export type KindErrorCode = (typeof kindErrorCodes)[number]

export function isKindErrorCode(code: string): code is KindErrorCode {
  return (kindErrorCodes as readonly string[]).includes(code)
}

export interface DonePart<Input, Output> {
  readonly input: Input
  readonly output: Output
}

export interface KindLimits<Input> {
  /** Bytes of UTF-8 of a part's text. */
  readonly maxInputBytes: number
  /** What a slow device (a single-board computer without a native engine) may take. */
  maxRunMs(input: Input): number
  /** Memory of the whole worker thread while it runs a part, for deciding who can take it. */
  readonly maxMemoryMb: number
}

/**
 * A kind of task: how a document is split into parts, how a worker does one, how a stranger's answer is checked, and how
 * answers become a result. Pure: no clock, no network, no files but the model's. To add a kind is to add one file with
 * such an object and a line in the table.
 *
 * Inputs and outputs travel as JSON in signed messages of at most 1 MiB.
 */
export interface Kind<Params, Input, Output, Result> {
  readonly name: string
  /** Raised when the same input gives another output. Peers advertise it, and only equal versions work together. */
  readonly version: number
  readonly params: z.ZodType<Params>
  readonly input: z.ZodType<Input>
  readonly output: z.ZodType<Output>
  /** Its answers depend on the model; its parameters take a `fingerprint`. */
  readonly takesModel?: true
  readonly limits: KindLimits<Input>
  /** Parts in order. Lazy, so that a large document does not hold up the event loop; deterministic and lossless. */
  split(document: SourceText, params: Params): Iterable<Input>
  /** Does one part. @throws CodedError<KindErrorCode>, or the signal's reason */
  run(input: Input, params: Params, context: WorkContext): Promise<Output>
  /** A cheap check of an output somebody else computed: the reason why it is wrong, or undefined. Needs no model. */
  verify(part: DonePart<Input, Output>, params: Params): string | undefined
  /** Whether two outputs for the same input count as the same answer. */
  agrees(a: Output, b: Output): boolean
  /**
   * Of a kind whose result is a list: what one part adds to it, with offsets into the document. The list may be larger
   * than memory, so it is given out part by part and never merged.
   */
  rows?(part: DonePart<Input, Output>): readonly JsonObject[]
  /** @param parts all of them, in the order of `split` @throws CodedError<'TASK_PARTS_INCOMPLETE'> */
  merge(parts: readonly DonePart<Input, Output>[]): Result
}

/** A kind whose types are known only to itself; parse with its schemas before calling it. */
export type AnyKind = Kind<unknown, unknown, unknown, unknown>
export type KindTable = Readonly<Record<string, AnyKind>>

export function takesModel(kind: Pick<AnyKind, 'takesModel'> | undefined): boolean {
  return kind?.takesModel === true
}

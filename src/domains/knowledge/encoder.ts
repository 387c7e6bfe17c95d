import { createGate } from '../../kernel/gate.ts'
import type { Access } from './collection.ts'
import type { DocumentText, Encode, EncodeDocument, Encoded } from './encode.ts'
import { type EmbedOutput, embed } from './kinds/embed.ts'
import type { TextPart } from './kinds/text-part.ts'

export const EMBED_PARAMS = { maxTokens: 110 }
/** Parts handed over at a time: a thread that is done finds the next one waiting. */
const AHEAD = 2
/** One or two parts, in characters: done here before a peer has been asked. */
const TOO_SHORT_TO_SEND = 2 * embed.limits.maxInputBytes

/** Does one part of a task of this kind, in some worker thread. */
export type RunPart = (
  kind: string,
  params: unknown,
  input: unknown,
  options: { readonly signal: AbortSignal },
) => Promise<unknown>

/** Where texts become passages with vectors: the task kind `embed`, run in this machine's worker threads. */
export function createEncoder(run: RunPart): Encode {
  return async function* (text, signal) {
    const parts = embed.split({ name: '', text }, EMBED_PARAMS)[Symbol.iterator]()
    const begun: { readonly part: TextPart; readonly output: Promise<EmbedOutput> }[] = []
    const begin = (): void => {
      const next = parts.next()
      if (next.done === true) return
      const output = run(embed.name, EMBED_PARAMS, next.value, { signal }) as Promise<EmbedOutput>
      // Waited for below; until then its failure is not unhandled.
      output.catch(() => undefined)
      begun.push({ part: next.value, output })
    }
    for (let n = 0; n < AHEAD; n++) begin()
    for (let one = begun.shift(); one !== undefined; one = begun.shift()) {
      const output = await one.output
      begin()
      yield encodedPart(one.part, output)
    }
  }
}

/** What came of a part, where it stands in its document. Merged alone: the parts of a large one are never all in memory. */
export function encodedPart({ text, offset }: TextPart, output: EmbedOutput): Encoded {
  const { fingerprint, chunks } = embed.merge([{ input: { text, offset: 0 }, output }])
  return { fingerprint, passages: chunks.map(({ start, end, vector }) => moved({ start, end, vector }, offset)) }
}

/** Peers that encode documents for this machine. */
export interface Outside {
  /** How many documents of such a collection they would have at a time; 0: nobody may, or nobody can. */
  room(access: Access): number
  /**
   * Yields what they made of a document with this model, in order. @returns up to where in the text they came: its
   * length when all is done, 0 when nobody took it @throws the signal's reason
   */
  encode(document: DocumentText, fingerprint: string, signal: AbortSignal): AsyncGenerator<Encoded, number>
}

export interface DocumentEncoderDeps {
  readonly encode: Encode
  /** Tells which model this machine has. */
  readonly warm: (options: { readonly signal: AbortSignal }) => Promise<{ readonly fingerprint: string }>
  readonly threads: number
  /** undefined: its owner wants everything to be encoded here. */
  readonly outside: Outside | undefined
}

export interface DocumentEncoder {
  readonly encode: EncodeDocument
  /** Documents of such a collection that are worth having in hand at a time. */
  width(access: Access): number
}

/**
 * Decides where a document is encoded: here as long as there is a place, and then at peers that may read it. What they
 * do not do is done here, from where they left off.
 */
export function createDocumentEncoder({ encode, warm, threads, outside }: DocumentEncoderDeps): DocumentEncoder {
  // One more than there are threads: while its vectors are kept, another document is computed. More would only keep
  // questions waiting, whose vectors come from the same threads.
  const here = createGate({ width: threads + 1 })
  let known: string | undefined
  let asking: Promise<string | undefined> | undefined

  /** Vectors of peers must compare with those made here. */
  async function modelHere(signal: AbortSignal): Promise<string | undefined> {
    if (known !== undefined) return known
    // What is wrong with the model is said where it is used.
    asking ??= warm({ signal }).then(
      ({ fingerprint }) => fingerprint,
      () => undefined,
    )
    const said = await asking
    asking = undefined
    return said
  }

  async function* away(document: DocumentText, signal: AbortSignal): AsyncGenerator<Encoded, number> {
    if (outside === undefined || document.text.length <= TOO_SHORT_TO_SEND) return 0
    if (outside.room(document.access()) === 0) return 0
    const fingerprint = await modelHere(signal)
    return fingerprint === undefined ? 0 : yield* outside.encode(document, fingerprint, signal)
  }

  return {
    async *encode(document, signal) {
      const begun = here.isFull() ? yield* away(document, signal) : 0
      if (begun >= document.text.length) return
      await here.enter(signal)
      try {
        for await (const { fingerprint, passages } of encode(document.text.slice(begun), signal)) {
          known = fingerprint
          yield { fingerprint, passages: passages.map(passage => moved(passage, begun)) }
        }
      } finally {
        here.leave()
      }
    },
    width: access => threads + 1 + (outside?.room(access) ?? 0),
  }
}

function moved<Span extends { readonly start: number; readonly end: number }>(span: Span, by: number): Span {
  return { ...span, start: span.start + by, end: span.end + by }
}

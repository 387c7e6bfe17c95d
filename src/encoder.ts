import type { Encode } from './knowledge/encode.ts'
import { type EmbedOutput, embed } from './tasks/kinds/embed.ts'
import type { TextPart } from './tasks/kinds/text/text-part.ts'
import type { Workers } from './tasks/workers.ts'

const PARAMS = { maxTokens: 110 }
/** Parts handed over at a time: a thread that is done finds the next one waiting. */
const AHEAD = 2

/** Where documents become passages with vectors: the task kind `embed`, run in this machine's worker threads. */
export function createEncoder(workers: Pick<Workers, 'run'>): Encode {
  return async function* (text, signal) {
    const parts = embed.split({ name: '', text }, PARAMS)[Symbol.iterator]()
    const begun: { readonly part: TextPart; readonly output: Promise<EmbedOutput> }[] = []
    const begin = (): void => {
      const next = parts.next()
      if (next.done === true) return
      const output = workers.run(embed.name, PARAMS, next.value, { signal }) as Promise<EmbedOutput>
      // Waited for below; until then its failure is not unhandled.
      output.catch(() => undefined)
      begun.push({ part: next.value, output })
    }
    for (let n = 0; n < AHEAD; n++) begin()
    for (let one = begun.shift(); one !== undefined; one = begun.shift()) {
      const input = one.part
      const output = await one.output
      begin()
      // Merged alone, with its offset added here: the parts of a large document are never all in memory.
      const { fingerprint, chunks } = embed.merge([{ input: { text: input.text, offset: 0 }, output }])
      const passages = chunks.map(({ start, end, vector }) => ({
        start: input.offset + start,
        end: input.offset + end,
        vector,
      }))
      yield { fingerprint, passages }
    }
  }
}

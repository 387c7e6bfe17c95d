import { join } from 'node:path'
import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters'
import { installedReadmes } from '../../src/harness/scenario/work.ts'
import { chunkText } from '../../src/text/chunker.ts'
import { openTokenizer } from '../../src/threads/use-lite/use-lite.ts'
import type { Figure, Part } from './figure.ts'
import { type Burst, race } from './race.ts'

const MODULES = join(import.meta.dirname, '..', '..', 'node_modules')
const TEXT_BYTES = 2_000_000
const MAX_TOKENS = 110
/** Of English, about as long as a chunk of that many tokens. */
const MAX_CHARACTERS = 440
const LENGTH = { rounds: 9, roundMs: 400 }
const MB = 1_000_000

/** Our chunker, which counts the model's tokens and keeps offsets, against the splitter most people know. */
export const chunking: Part = {
  name: 'chunking',
  async run() {
    const texts = installedReadmes(MODULES, TEXT_BYTES).map(({ text }) => text)
    const tokenizer = await openTokenizer()
    const noOverlap = { chunkOverlap: 0 }
    const byCharacters = new RecursiveCharacterTextSplitter({ ...noOverlap, chunkSize: MAX_CHARACTERS })
    const byTokens = new RecursiveCharacterTextSplitter({
      ...noOverlap,
      chunkSize: MAX_TOKENS,
      lengthFunction: text => tokenizer.count(text),
    })
    const speeds = await race(
      {
        ours: eachInTurn(texts, text => chunkText(text, tokenizer, MAX_TOKENS)),
        byCharacters: eachInTurn(texts, text => byCharacters.splitText(text)),
        byTokens: eachInTurn(texts, text => byTokens.splitText(text)),
      },
      LENGTH,
    )
    const rival = '@langchain/textsplitters, recursive'
    const sample = `${texts.length} README files, main thread`
    const rate = (name: 'ours' | 'byCharacters' | 'byTokens', as: string, against: string): Figure => ({
      name: `chunking.${as}MBPerSecond`,
      value: speeds.rate(name) / MB,
      unit: 'MB/s',
      against,
    })
    return [
      {
        name: 'chunking.oursVsTokens',
        value: speeds.ratio('ours', 'byTokens'),
        unit: 'ratio',
        against: `${rival}, measuring in tokens of the same model as we do; ${sample}`,
      },
      {
        name: 'chunking.oursVsCharacters',
        value: speeds.ratio('ours', 'byCharacters'),
        unit: 'ratio',
        against: `${rival}, counting characters only: no tokens, no offsets; ${sample}`,
      },
      rate('ours', 'ours', `at most ${MAX_TOKENS} tokens, sentences whole, with offsets and token counts`),
      rate('byTokens', 'byTokens', `${rival}, at most ${MAX_TOKENS} tokens of the same model`),
      rate('byCharacters', 'byCharacters', `${rival}, at most ${MAX_CHARACTERS} characters`),
    ]
  },
}

/** A text at a time; how many bytes it had. */
function eachInTurn(texts: readonly string[], split: (text: string) => unknown): Burst {
  const sizes = texts.map(text => Buffer.byteLength(text))
  let next = 0
  return async () => {
    const at = next++ % texts.length
    await split(texts[at] as string)
    return sizes[at] as number
  }
}

import { readFile } from 'node:fs/promises'
import { messageOf } from '../../kernel/errors.ts'
import type { Embedder } from '../../text/embedder.ts'
import type { Tokenizer } from '../use-lite/tokenizer.ts'
import { openUseLite } from '../use-lite/use-lite.ts'
import { openFolderEmbedder } from './folder.ts'
import { openHttpEmbedder } from './http.ts'
import { unavailable } from './unavailable.ts'

/** The section `embedder` of the configuration; what a worker thread is started with. */
export interface EmbedderOptions {
  readonly source: 'built-in' | 'folder' | 'http'
  readonly folder?: string | undefined
  readonly url: string
  readonly model: string
  readonly keyFile?: string | undefined
  readonly maxTokens: number
  readonly timeoutMs: number
  readonly batchTexts: number
}

/**
 * Opens the embedder that the configuration names: for worker threads.
 * @param tokenizer of the built-in model, which also counts for a server that does not tell its tokens
 * @throws CodedError<'TASK_MODEL_UNAVAILABLE'> with a hint
 */
export async function openEmbedder(options: EmbedderOptions, tokenizer: () => Promise<Tokenizer>): Promise<Embedder> {
  switch (options.source) {
    case 'built-in':
      return openUseLite({ tokenizer: await tokenizer() })
    case 'folder':
      if (options.folder === undefined) {
        throw unavailable('the embedder is to come from a folder, and none is named', {
          hint: 'Set embedder.folder to a model in Hugging Face layout.',
        })
      }
      return openFolderEmbedder(options.folder)
    case 'http':
      return openHttpEmbedder({ ...options, key: await readKey(options.keyFile), counter: await tokenizer() })
  }
}

async function readKey(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw unavailable(`cannot read the key in ${file}: ${messageOf(error)}`, {
      hint: 'embedder.keyFile names a file with the key alone, readable for the daemon.',
      cause: error,
    })
  }
}

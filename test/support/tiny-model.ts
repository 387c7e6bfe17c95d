import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeModel } from '../../src/threads/use-lite/onnx.ts'

/** Piece and the vector it stands for. `[CLS]` and `[SEP]` point nowhere, so that a mean is one of words. */
const PIECES: readonly (readonly [piece: string, vector: readonly number[]])[] = [
  ['[PAD]', [9, 9, 9]],
  ['[UNK]', [0, 0, 1]],
  ['[CLS]', [0, 0, 0]],
  ['[SEP]', [0, 0, 0]],
  ['sun', [1, 0, 0]],
  ['roof', [0, 1, 0]],
  ['##s', [0, 0, 0]],
  ['a', [0, 0, 0.5]],
  ['first', [0, 0, 0.5]],
  ['text', [0, 0, 0.5]],
  ['.', [0, 0, 0]],
]

/** A model in Hugging Face layout whose every vector can be told in the head: a token's is looked up, and that is all. */
export function writeTinyModel(
  folder: string,
  changes: { maxTokens?: number; pooling?: object; inputs?: string[] } = {},
): void {
  const json = (name: string, content: object) => {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), JSON.stringify(content))
  }
  json('config.json', { model_type: 'bert', hidden_size: 3, max_position_embeddings: changes.maxTokens ?? 64 })
  json('tokenizer_config.json', { model_max_length: 1e30 })
  json('tokenizer.json', tokenizer())
  if (changes.pooling !== undefined) json('1_Pooling/config.json', changes.pooling)
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  writeFileSync(
    join(folder, 'onnx', 'model.onnx'),
    graph(changes.inputs ?? ['input_ids', 'attention_mask', 'token_type_ids']),
  )
}

function graph(inputs: readonly string[]): Uint8Array {
  const data = new Uint8Array(Float32Array.from(PIECES.flatMap(([, vector]) => vector)).buffer)
  return encodeModel({
    name: 'tiny',
    nodes: [{ operator: 'Gather', inputs: ['embeddings', 'input_ids'], outputs: ['last_hidden_state'] }],
    weights: [{ name: 'embeddings', shape: [PIECES.length, 3], type: 'float32', data }],
    inputs: inputs.map(name => ({ name, type: 'int64', shape: [1, 'tokens'] })),
    outputs: [{ name: 'last_hidden_state', type: 'float32', shape: [1, 'tokens', 3] }],
  })
}

function tokenizer(): object {
  const special = PIECES.slice(0, 4).map(([content], id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }))
  const mark = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [mark('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, mark('[SEP]')],
      pair: [mark('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, mark('[SEP]')],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(PIECES.map(([piece], id) => [piece, id])),
    },
  }
}

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf, messageOf } from '../../kernel/errors.ts'
import { unavailable } from './unavailable.ts'

export type Pooling = 'mean' | 'cls' | 'last'

/** What lies in a model's folder, read and checked. */
export interface ModelFiles {
  readonly folder: string
  /** The graph's file. */
  readonly model: string
  readonly tokenizer: object
  readonly tokenizerConfig: object
  readonly pooling: Pooling
  /** What the model reads of a text, marks included. */
  readonly maxTokens: number
  /** The files that vectors depend on, in a fixed order. */
  readonly hashed: readonly string[]
}

const object = z.looseObject({})
const configSchema = z.looseObject({
  max_position_embeddings: z.number().positive().optional(),
  model_type: z.string().optional(),
})
/** Some tokenizers give 1e30 for "no limit". */
const tokenizerConfigSchema = z.looseObject({ model_max_length: z.number().positive().optional() })
const sentenceSchema = z.looseObject({ max_seq_length: z.number().int().positive().nullish() })
const poolingSchema = z.looseObject({
  pooling_mode_mean_tokens: z.boolean().default(false),
  pooling_mode_cls_token: z.boolean().default(false),
  pooling_mode_lasttoken: z.boolean().default(false),
})

/** The first two positions of these models are taken: they count from the padding's number on. */
const offsetModels = new Set(['roberta', 'xlm-roberta', 'camembert', 'mpnet'])
/** Where nothing says how long a text may be. */
const usualMaxTokens = 512
/** Without the marks there must be room for the words of the smallest chunk. */
const leastMaxTokens = 8
/** The whole model first; then what Optimum calls smaller ones. */
const modelNames = ['model.onnx', 'model_quantized.onnx', 'model_int8.onnx']

/** @throws CodedError<'TASK_MODEL_UNAVAILABLE'> */
export async function readModelFiles(folder: string): Promise<ModelFiles> {
  const model = await findModel(folder)
  const config = await readJson(folder, 'config.json', configSchema)
  const tokenizer = await readJson(folder, 'tokenizer.json', object)
  const tokenizerConfig = await readOptional(folder, 'tokenizer_config.json', tokenizerConfigSchema)
  const sentence = await readOptional(folder, 'sentence_bert_config.json', sentenceSchema)
  const pooling = poolingOf(folder, await readOptional(folder, join('1_Pooling', 'config.json'), poolingSchema))
  const { max_position_embeddings: positions, model_type: type = '' } = config
  const maxTokens = Math.min(
    positions === undefined ? usualMaxTokens : positions - (offsetModels.has(type) ? 2 : 0),
    tokenizerConfig?.model_max_length ?? usualMaxTokens,
    sentence?.max_seq_length ?? Number.POSITIVE_INFINITY,
  )
  if (maxTokens < leastMaxTokens) {
    throw unavailable(`the model in ${folder} reads ${maxTokens} tokens of a text`, {
      hint: 'Choose a sentence encoder; config.json says how much it reads in max_position_embeddings.',
    })
  }
  return {
    folder,
    model,
    tokenizer,
    tokenizerConfig: tokenizerConfig ?? {},
    pooling,
    maxTokens,
    hashed: [model, ...(await dataFiles(model)), join(folder, 'tokenizer.json')],
  }
}

async function findModel(folder: string): Promise<string> {
  for (const path of [join(folder, 'onnx'), folder]) {
    const names = await readdir(path).catch((): string[] => [])
    const graphs = names.filter(name => /^model.*\.onnx$/.test(name)).toSorted()
    const [best] = [...modelNames.filter(name => graphs.includes(name)), ...graphs]
    if (best !== undefined) return join(path, best)
  }
  throw unavailable(`there is no onnx/model.onnx in ${folder}`, {
    hint: 'embedder.folder names a folder in Hugging Face layout: config.json, tokenizer.json, onnx/model.onnx.',
  })
}

/** Of a graph above 2 GB the weights lie beside it: `model.onnx_data`, `model.onnx_data_1`, … */
async function dataFiles(model: string): Promise<string[]> {
  const folder = join(model, '..')
  const names = await readdir(folder)
  return names
    .map(name => join(folder, name))
    .filter(file => file.startsWith(`${model}_data`) || file === `${model}.data`)
    .toSorted()
}

/** @param pooling undefined where the folder does not say: then most models were trained with the mean */
function poolingOf(folder: string, pooling: z.infer<typeof poolingSchema> | undefined): Pooling {
  if (pooling === undefined || pooling.pooling_mode_mean_tokens) return 'mean'
  if (pooling.pooling_mode_cls_token) return 'cls'
  if (pooling.pooling_mode_lasttoken) return 'last'
  throw unavailable(`the model in ${folder} pools its tokens in a way that is not known here`, {
    hint: 'Mean, CLS and last token are: see 1_Pooling/config.json.',
  })
}

async function readOptional<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return await readJson(folder, name, schema)
  } catch (error) {
    if (codeOf((error as { cause?: unknown }).cause) === 'ENOENT') return undefined
    throw error
  }
}

async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)
    throw unavailable(`cannot use ${name} in ${folder}: ${why}`, {
      hint: 'Copy the folder again, whole: config.json, tokenizer.json and onnx/model.onnx belong together.',
      cause: error,
    })
  }
}

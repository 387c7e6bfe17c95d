import { z } from 'zod'
import { option } from '../../kernel/option.ts'

/** What turns texts into vectors. */
export const embedder = z.object({
  source: option(
    z.enum(['built-in', 'folder', 'http']).default('built-in'),
    'The model that comes with wattmesh, a model in a folder, or a server.',
  ),
  folder: option(
    z.string().optional(),
    'Source folder: a model in Hugging Face layout (tokenizer.json, config.json, onnx/model.onnx).',
    'path',
  ),
  url: option(
    z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:11434/v1/embeddings'),
    'Source http: where embeddings are asked for, as OpenAI and Ollama answer.',
    'URL',
  ),
  model: option(z.string().max(256).default('nomic-embed-text'), 'Source http: the name of the model there.'),
  keyFile: option(z.string().optional(), 'Source http: a file with the key, sent as a bearer token.', 'path'),
  maxTokens: option(
    z.int().min(48).max(32_768).default(512),
    'Source http: what the model reads of a text at most.',
    'tokens',
  ),
  timeoutMs: option(z.int().min(100).default(30_000), 'Source http: how long one request may take.', 'ms'),
  batchTexts: option(z.int().min(1).max(256).default(16), 'Source http: texts in one request.', 'texts'),
})

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { codeOf, messageOf } from '../../kernel/errors.ts'
import type { Embedder } from '../../text/embedder.ts'
import type { TokenCounter } from '../../text/ruler.ts'
import { normalised } from '../../text/vectors.ts'
import { unavailable } from './unavailable.ts'

export interface HttpEmbedderOptions {
  /** `POST` here, as to OpenAI's `/v1/embeddings`; Ollama, vLLM and llama.cpp answer alike. */
  readonly url: string
  readonly model: string
  readonly key?: string | undefined
  readonly maxTokens: number
  /** For one request, however many texts it has. */
  readonly timeoutMs: number
  readonly batchTexts: number
  /** The server does not tell its tokens; these are near enough to cut chunks by. */
  readonly counter: TokenCounter
}

const arithmetic = 'http embeddings 2'
/** Never changed: what a server makes of it is how its model is known. */
const probeText = 'A first text.'
/** Of the probe's numbers so many count, each to half of what it is on average: see `fingerprintOf`. */
const [probeNumbers, probeStep] = [32, 0.5]
const maxDimensions = 4096
/** A number takes some 12 characters in JSON. */
const maxBytesPerText = 20 * maxDimensions
const answerSchema = z.looseObject({
  data: z.array(z.looseObject({ index: z.int().min(0), embedding: z.array(z.number()).min(1).max(maxDimensions) })),
})

/**
 * An embedder behind an HTTP endpoint, known by the vector it makes of a fixed text: neither where it answers nor what
 * it calls the model says which weights it has, and how they are rounded.
 * @throws CodedError<'TASK_MODEL_UNAVAILABLE'> with a hint, here and when it embeds
 */
export async function openHttpEmbedder(options: HttpEmbedderOptions): Promise<Embedder> {
  const { url, model, counter, maxTokens, batchTexts } = options
  const [first = new Float32Array()] = await request(options, [probeText], new AbortController().signal)
  const dimensions = first.length

  async function embedAll(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    const vectors: Float32Array[] = []
    for (let start = 0; start < texts.length; start += batchTexts) {
      signal.throwIfAborted()
      vectors.push(...(await request(options, texts.slice(start, start + batchTexts), signal)))
    }
    if (vectors.some(vector => vector.length !== dimensions)) throw nonsense(url, `not ${dimensions} numbers a text`)
    return vectors
  }

  return {
    fingerprint: fingerprintOf(first),
    engine: `${model} at ${new URL(url).host}`,
    dimensions,
    maxTokens,
    count: text => counter.count(text),
    async embed(texts, signal) {
      const vectors = await embedAll(texts.filter(isText), signal)
      let next = 0
      return texts.map(text => (isText(text) ? (vectors[next++] as Float32Array) : new Float32Array(dimensions)))
    },
  }
}

/**
 * Rounded so coarsely that the same weights on two processors, which differ in the sixth digit, fall apart once in
 * thousands of pairs; weights rounded otherwise (q4, f16), whose vectors do not agree, nearly always do.
 */
function fingerprintOf(probe: Float32Array): string {
  const steps = probe.slice(0, probeNumbers).map(value => Math.round((value * Math.sqrt(probe.length)) / probeStep))
  return createHash('sha256')
    .update(`${arithmetic}\n${probe.length}\n${steps.join(' ')}`)
    .digest('hex')
}

const isText = (text: string): boolean => /\S/u.test(text)

async function request(
  { url, model, key, timeoutMs }: HttpEmbedderOptions,
  input: readonly string[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const timeout = AbortSignal.timeout(timeoutMs)
  let response: Response
  let text: string
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ model, input, encoding_format: 'float' }),
      // A redirect would carry the texts and the key to somebody who was not chosen.
      redirect: 'error',
      signal: AbortSignal.any([signal, timeout]),
    })
    text = await readBounded(response, url, input.length * maxBytesPerText + 64 * 1024)
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted) throw late(url, timeoutMs)
    throw asUnreachable(url, error)
  }
  if (!response.ok) throw refused(url, model, { status: response.status, text })
  return vectorsOf(url, text, input.length)
}

async function readBounded(response: Response, url: string, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    size += piece.length
    if (size > maxBytes) throw nonsense(url, `more than ${maxBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function vectorsOf(url: string, text: string, wanted: number): Float32Array[] {
  const answer = answerSchema.safeParse(parsed(text))
  if (!answer.success) throw nonsense(url, z.prettifyError(answer.error))
  const byIndex = new Map(answer.data.data.map(({ index, embedding }) => [index, embedding]))
  const places = Array.from({ length: wanted }, (_, index) => byIndex.get(index))
  if (answer.data.data.length !== wanted || places.includes(undefined)) {
    throw nonsense(url, `vectors for ${byIndex.size} texts, not for ${wanted}`)
  }
  const vectors = places.map(embedding => normalised(Float32Array.from(embedding ?? [])))
  if (vectors.some(vector => !vector.every(Number.isFinite))) throw nonsense(url, 'a vector without a direction')
  return vectors
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const hints: Readonly<Record<number, string>> = {
  401: 'It wants a key: put it into a file and name that in embedder.keyFile.',
  403: 'The key in embedder.keyFile may not use this model.',
  404: 'Check embedder.url and embedder.model; Ollama gets a model with "ollama pull NAME".',
  429: 'It has more to do than it allows; lower compute.threads or embedder.batchTexts.',
}

function refused(url: string, model: string, { status, text }: { status: number; text: string }) {
  const said = text.replace(/\s+/g, ' ').slice(0, 200)
  return unavailable(`${url} answered ${status} for the model ${model}: ${said}`, {
    hint: hints[status] ?? 'Its own log says more.',
  })
}

function nonsense(url: string, what: string) {
  return unavailable(`${url} did not answer as an embedding server does: ${what}`, {
    hint: 'embedder.url names the whole path, like http://127.0.0.1:11434/v1/embeddings.',
  })
}

function late(url: string, timeoutMs: number) {
  return unavailable(`${url} did not answer within ${timeoutMs} ms`, {
    hint: 'Is the model loaded? Raise embedder.timeoutMs, or lower embedder.batchTexts.',
  })
}

function asUnreachable(url: string, error: unknown) {
  if (codeOf(error) === 'TASK_MODEL_UNAVAILABLE') return error
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return unavailable(`${url} cannot be reached: ${messageOf(cause)}`, {
    hint: 'Is the server running? Ollama starts with "ollama serve".',
    cause: error,
  })
}

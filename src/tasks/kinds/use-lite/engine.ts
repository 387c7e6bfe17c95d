import type { InferenceSession, TypedTensor } from 'onnxruntime-web/wasm'

/** Runs one loaded model. */
export interface Engine {
  /** For people: `onnxruntime-node 1.30.0 (native)`. */
  readonly name: string
  /** @param ids of one text, at least one @returns the model's `vector` output */
  run(ids: Int32Array): Promise<Float32Array>
}

export type EngineKind = 'native' | 'wasm'

/** What the native and the WebAssembly package have in common, and we use. */
interface Runtime {
  readonly InferenceSession: typeof InferenceSession
  readonly Tensor: new (
    type: 'int32' | 'float32',
    data: Int32Array | Float32Array,
    shape: number[],
  ) => TypedTensor<'int32' | 'float32'>
}

/** One thread: how much of a machine to use is the size of the pool. Without arena and pattern memory is given back after each run. */
const sessionOptions: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  executionMode: 'sequential',
  enableCpuMemArena: false,
  enableMemPattern: false,
}

/** The native engine where its package is installed and its binary loads; otherwise WebAssembly, about six times slower. */
export async function openEngine(model: Uint8Array, kind?: EngineKind): Promise<Engine> {
  if (kind === 'wasm') return openWasm(model)
  try {
    return await openNative(model)
  } catch (error) {
    if (kind === 'native') throw error
    return openWasm(model)
  }
}

async function openNative(model: Uint8Array): Promise<Engine> {
  const runtime = await import('onnxruntime-node')
  return createEngine(`onnxruntime-node ${runtime.env.versions.node ?? ''} (native)`, runtime, model)
}

async function openWasm(model: Uint8Array): Promise<Engine> {
  const runtime = await import('onnxruntime-web/wasm')
  runtime.env.wasm.numThreads = 1
  return createEngine(`onnxruntime-web ${runtime.env.versions.web ?? ''} (WebAssembly)`, runtime, model)
}

async function createEngine(name: string, runtime: Runtime, model: Uint8Array): Promise<Engine> {
  const session = await runtime.InferenceSession.create(model, sessionOptions)
  return {
    name,
    async run(ids) {
      const positions = Float32Array.from(ids.keys())
      const { vector } = await session.run({
        ids: new runtime.Tensor('int32', ids, [ids.length]),
        positions: new runtime.Tensor('float32', positions, [ids.length, 1]),
      })
      if (!(vector?.data instanceof Float32Array)) throw new TypeError('the model gave no vector of floats')
      return vector.data
    },
  }
}

import { readFile } from 'node:fs/promises'
import type { InferenceSession, TypedTensor } from 'onnxruntime-web/wasm'
import { inside } from '../native-gate.ts'

export type EngineKind = 'native' | 'wasm'

interface TensorData {
  readonly int32: Int32Array
  readonly int64: BigInt64Array
  readonly float32: Float32Array
}

/** What the native and the WebAssembly package have in common, and we use. */
export interface Runtime {
  readonly InferenceSession: typeof InferenceSession
  readonly Tensor: new <T extends keyof TensorData>(type: T, data: TensorData[T], shape: number[]) => TypedTensor<T>
}

/** A loaded model and what runs it. */
export interface Session {
  /** For people: `onnxruntime-node 1.30.0 (native)`. */
  readonly name: string
  readonly runtime: Runtime
  readonly session: Pick<InferenceSession, 'inputNames' | 'outputNames'> & {
    run(feeds: InferenceSession.FeedsType): Promise<InferenceSession.ReturnType>
  }
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

/**
 * The native engine where its package is installed and its binary loads; otherwise WebAssembly, about six times slower.
 * @param model the bytes of a model, or its file: the native engine reads that itself, with what lies beside it
 */
export async function openSession(model: Uint8Array | string, kind?: EngineKind): Promise<Session> {
  if (kind === 'wasm') return openWasm(model)
  try {
    return await openNative(model)
  } catch (error) {
    if (kind === 'native') throw error
    return openWasm(model)
  }
}

function openNative(model: Uint8Array | string): Promise<Session> {
  // Loading the package runs native code as well.
  return inside(async () => {
    const runtime = await import('onnxruntime-node')
    const name = `onnxruntime-node ${runtime.env.versions.node ?? ''} (native)`
    // The overloads tell a path from bytes, and take no union of them.
    const session = await (typeof model === 'string'
      ? runtime.InferenceSession.create(model, sessionOptions)
      : runtime.InferenceSession.create(model, sessionOptions))
    const { inputNames, outputNames } = session
    return { name, runtime, session: { inputNames, outputNames, run: feeds => inside(() => session.run(feeds)) } }
  })
}

async function openWasm(model: Uint8Array | string): Promise<Session> {
  const runtime = await import('onnxruntime-web/wasm')
  runtime.env.wasm.numThreads = 1
  const name = `onnxruntime-web ${runtime.env.versions.web ?? ''} (WebAssembly)`
  const bytes = typeof model === 'string' ? await readFile(model) : model
  return { name, runtime, session: await runtime.InferenceSession.create(bytes, sessionOptions) }
}

import { type EngineKind, openSession } from '../embedders/session.ts'

/** Runs the model. */
export interface Engine {
  /** For people: `onnxruntime-node 1.30.0 (native)`. */
  readonly name: string
  /** @param ids of one text, at least one @returns the model's `vector` output */
  run(ids: Int32Array): Promise<Float32Array>
}

/** @param kind takes that engine or fails; without it, the fastest that loads */
export async function openEngine(model: Uint8Array, kind?: EngineKind): Promise<Engine> {
  const { name, runtime, session } = await openSession(model, kind)
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

import type { OnnxFloat, OnnxGraph, OnnxNode, OnnxTensor } from './onnx.ts'
import type { Weights } from './weights.ts'

/** A name in the graph: of a weight, or of what a node puts out. */
type Value = string

/** Weights keep their TensorFlow names, which share these beginnings. */
const variables = 'module/Encoder_en'
const folded = 'module_apply_default/Encoder_en/KonaTransformer/Encode'
const stack = `${folded}/TransformerStack`

const heads = 4

/** Dimensions of the vectors and tokens the model looks at; the rest is cut off, as the original does (`ClipToMaxLength`). */
export const dimensions = 512
export const maxTokens = 128

/**
 * Universal Sentence Encoder lite as an ONNX graph, node by node after the package's `model.json`, for one text a run:
 * `ids` [tokens] and `positions` [tokens, 1] (0, 1, 2, … as floats) in, `vector` [1, 512] out. Without padding there is
 * nothing to mask, so a text's vector does not depend on its neighbours in a batch.
 */
export function useLiteGraph(weights: Weights): OnnxGraph {
  const draft = createDraft(weights)
  let x = timedEmbedding(draft)
  for (const layer of [0, 1] as const) x = feedForward(draft, layer, attention(draft, layer, x))
  return {
    name: 'universal-sentence-encoder-lite',
    nodes: [...draft.nodes, ...pooled(draft, x)],
    weights: [...draft.used.values()],
    inputs: [
      { name: 'ids', type: 'int32', shape: ['tokens'] },
      { name: 'positions', type: 'float32', shape: ['tokens', 1] },
    ],
    outputs: [{ name: 'vector', type: 'float32', shape: [1, dimensions] }],
  }
}

/** The graph adds the embedding to itself plus the signal: 2·e + (sin | cos) of position over time scales. */
function timedEmbedding({ add, weight }: Draft): Value {
  const embedded = add('Gather', [weight('module/Embeddings_en'), 'ids'])
  const angle = add('Mul', ['positions', weight(`${stack}/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1`)])
  const signal = add('Concat', [add('Sin', [angle]), add('Cos', [angle])], { axis: 1 })
  return add('Add', [embedded, add('Add', [embedded, signal])])
}

function attention(draft: Draft, layer: 0 | 1, x: Value): Value {
  const { add, weight, integers } = draft
  const name = `Layer_${layer}/TransformerLayer`
  const attended = `${name}/MultiheadAttention`
  const normal = normalised(draft, name, x)
  const mixed = transformed(draft, `${attended}/qkv_transform_single`, normal)
  const [query = '', key = '', value = ''] = draft.split(mixed)
  const shape = integers([0, heads, -1])
  const perHead = (part: Value, perm: readonly number[]) =>
    add('Transpose', [add('Reshape', [part, shape])], { perm: [...perm] })
  const scaled = add('Mul', [perHead(query, [1, 0, 2]), weight(`${stack}/${attended}/mul/y`)])
  const shares = add('Softmax', [add('MatMul', [scaled, perHead(key, [1, 2, 0])])], { axis: -1 })
  const seen = add('MatMul', [shares, perHead(value, [1, 0, 2])])
  const joined = add('Reshape', [add('Transpose', [seen], { perm: [1, 0, 2] }), integers([0, -1])])
  const out = transformed(draft, `${attended}/output_transform_single`, joined)
  return add('Add', [out, layer === 0 ? widened(draft, name, x) : x])
}

/** Layer 0 takes 256 numbers a token and gives 512, so its residual passes a dense layer. */
function widened({ add, weight }: Draft, name: string, x: Value): Value {
  const product = add('MatMul', [x, weight(`${folded}/${name}/dense/kernel/ConcatPartitions/concat`)])
  return add('Add', [product, weight(`${folded}/${name}/dense/bias/ConcatPartitions/concat`)])
}

/** A 1×1 convolution over tokens, which is a matrix product. */
function transformed({ add, weight, matrix }: Draft, name: string, x: Value): Value {
  const product = add('MatMul', [x, matrix(`${variables}/KonaTransformer/Encode/${name}/kernel/part_0`)])
  return add('Add', [product, weight(`${folded}/${name}/bias/ConcatPartitions/concat`)])
}

function feedForward(draft: Draft, layer: 0 | 1, x: Value): Value {
  const { add, weight } = draft
  const name = `Layer_${layer}/TransformerLayer/FFN`
  const dense = (part: 'conv1' | 'conv2', input: Value) => {
    const product = add('MatMul', [input, weight(`${stack}/${name}/${part}/Tensordot/Reshape_1`)])
    return add('Add', [product, weight(`${folded}/${name}/${part}/bias/ConcatPartitions/concat`)])
  }
  const wide = add('Relu', [dense('conv1', normalised(draft, name, x))])
  return add('Add', [dense('conv2', wide), x])
}

function normalised({ add, weight }: Draft, name: string, x: Value): Value {
  const part = (kind: 'scale' | 'bias') =>
    weight(`${folded}/${name}/layer_prepostprocess/layer_norm/layer_norm_${kind}/ConcatPartitions/concat`)
  return add('LayerNormalization', [x, part('scale'), part('bias')], { axis: -1, epsilon: { float: 1e-6 } })
}

/** The mean over tokens, a dense layer with tanh, and length 1. */
function pooled({ weight }: Draft, x: Value): OnnxNode[] {
  const layer = `${variables}/hidden_layers/tanh_layer_0`
  return [
    { operator: 'ReduceMean', inputs: [x], outputs: ['mean'], attributes: { axes: [0], keepdims: 1 } },
    { operator: 'MatMul', inputs: ['mean', weight(`${layer}/weights`)], outputs: ['product'] },
    { operator: 'Add', inputs: ['product', weight(`${layer}/bias`)], outputs: ['shifted'] },
    { operator: 'Tanh', inputs: ['shifted'], outputs: ['hidden'] },
    { operator: 'LpNormalization', inputs: ['hidden'], outputs: ['vector'], attributes: { axis: 1, p: 2 } },
  ]
}

type Draft = ReturnType<typeof createDraft>

function createDraft(weights: Weights) {
  const nodes: OnnxNode[] = []
  const used = new Map<string, OnnxTensor>()

  function put(operator: string, inputs: readonly Value[], attributes: OnnxNode['attributes'], count: number): Value[] {
    const outputs = Array.from({ length: count }, (_, index) => `${operator}.${nodes.length}.${index}`)
    nodes.push({ operator, inputs, outputs, attributes: attributes ?? {} })
    return outputs
  }

  function use(name: string, shape: readonly number[]): Value {
    used.set(name, { name, shape, type: 'float32', data: weights.get(name).data })
    return name
  }

  return {
    nodes,
    used,
    add: (operator: string, inputs: readonly Value[], attributes?: Record<string, number | OnnxFloat | number[]>) =>
      put(operator, inputs, attributes, 1).join(),
    /** Thirds of the last dimension. */
    split: (input: Value) => put('Split', [input], { axis: -1 }, 3),
    weight: (name: string) => use(name, weights.get(name).shape),
    /** A convolution's kernel [1, 1, in, out] as a matrix. */
    matrix: (name: string) => use(name, weights.get(name).shape.slice(-2)),
    integers: (values: readonly number[]): Value => {
      const name = `integers ${values.join()}`
      const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
      used.set(name, { name, shape: [values.length], type: 'int64', data })
      return name
    },
  }
}

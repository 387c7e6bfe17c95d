/**
 * A writer of ONNX models: the few messages and fields of `onnx.proto3` (IR version 8) that a graph of plain operators
 * needs. Protocol Buffers are a list of (field number, wire type, value); a message inside another is its bytes.
 */

export interface OnnxNode {
  readonly operator: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, number | OnnxFloat | readonly number[]>>
}

/** JavaScript has one number type, ONNX two: an integer is written plain, a float inside this. */
export interface OnnxFloat {
  readonly float: number
}

export interface OnnxTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: 'float32' | 'int64'
  /** Little-endian values, row by row. */
  readonly data: Uint8Array
}

/** An input or output of the graph. A string is a dimension that each run chooses. */
export interface OnnxValue {
  readonly name: string
  readonly type: 'float32' | 'int32' | 'int64'
  readonly shape: readonly (number | string)[]
}

export interface OnnxGraph {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly weights: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

const irVersion = 8
const operatorSet = 17
const elementType = { float32: 1, int32: 6, int64: 7 } as const
const attributeType = { float: 1, integer: 2, integers: 7 } as const

/** Pieces are joined once, at the end, so that megabytes of weights are copied once and not at each level. */
type Pieces = readonly Uint8Array[]

/** The bytes of a ModelProto. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const graphPieces = [
    ...graph.nodes.flatMap(node => message(1, encodeNode(node))),
    ...text(2, graph.name),
    ...graph.weights.flatMap(weight => message(5, encodeTensor(weight))),
    ...graph.inputs.flatMap(value => message(11, encodeValue(value))),
    ...graph.outputs.flatMap(value => message(12, encodeValue(value))),
  ]
  return Buffer.concat([
    ...integer(1, irVersion),
    ...message(8, [...text(1, ''), ...integer(2, operatorSet)]),
    ...message(7, graphPieces),
  ])
}

function encodeNode(node: OnnxNode): Pieces {
  return [
    ...node.inputs.flatMap(name => text(1, name)),
    ...node.outputs.flatMap(name => text(2, name)),
    ...text(4, node.operator),
    ...Object.entries(node.attributes ?? {}).flatMap(([name, value]) => message(5, encodeAttribute(name, value))),
  ]
}

function encodeAttribute(name: string, value: number | OnnxFloat | readonly number[]): Pieces {
  const named = text(1, name)
  if (typeof value === 'number') return [...named, ...integer(3, value), ...integer(20, attributeType.integer)]
  if ('float' in value) return [...named, ...float(2, value.float), ...integer(20, attributeType.float)]
  return [...named, ...value.flatMap(item => integer(8, item)), ...integer(20, attributeType.integers)]
}

function encodeTensor(tensor: OnnxTensor): Pieces {
  return [
    ...tensor.shape.flatMap(size => integer(1, size)),
    ...integer(2, elementType[tensor.type]),
    ...text(8, tensor.name),
    ...message(9, [tensor.data]),
  ]
}

function encodeValue(value: OnnxValue): Pieces {
  const dimensions = value.shape.flatMap(size =>
    message(1, typeof size === 'number' ? integer(1, size) : text(2, size)),
  )
  const tensorType = [...integer(1, elementType[value.type]), ...message(2, dimensions)]
  return [...text(1, value.name), ...message(2, message(1, tensorType))]
}

function integer(field: number, value: number): Uint8Array[] {
  return [varint(field << 3), varint(value)]
}

function float(field: number, value: number): Uint8Array[] {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return [varint((field << 3) | 5), bytes]
}

function text(field: number, value: string): Uint8Array[] {
  return message(field, [Buffer.from(value)])
}

/** A length-delimited field: a message, a string or bytes. */
function message(field: number, pieces: Pieces): Uint8Array[] {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return [varint((field << 3) | 2), varint(length), ...pieces]
}

/** Seven bits a byte, low bits first. A negative int64 is its two's complement: ten bytes. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

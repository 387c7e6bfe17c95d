/** A message with one thing about it changed. */
export interface Mutant {
  /** What was changed and where, for whoever reads the failure. */
  readonly what: string
  readonly kind: 'removed' | 'corrupted' | 'emptied' | 'retyped' | 'widened'
  readonly message: object
}

type Path = readonly (string | number)[]
type Node = Record<string | number, unknown>

const OTHER_TYPES = [null, 7, 'x', {}, []]

/**
 * Each field removed, each text corrupted (which no enum, format or pattern survives) and emptied, each list emptied, each
 * value of another type, each object with a field more. Which of them are wrong is for a schema to say.
 */
export function* mutants(message: object): Generator<Mutant> {
  for (const path of pathsIn(message)) {
    const value = path.reduce<unknown>((inner, key) => (inner as Node)[key], message)
    for (const [kind, change] of changes(value)) {
      const copy = structuredClone(message)
      const holder = path.slice(0, -1).reduce((inner, key) => inner[key] as Node, copy as Node)
      change(holder, path.at(-1) as string | number)
      yield { kind, what: `${kind}: ${path.join('.')}`, message: copy }
    }
  }
}

type Change = (holder: Node, key: string | number) => void

function changes(value: unknown): [Mutant['kind'], Change][] {
  const becomes =
    (other: unknown): Change =>
    (holder, key) => {
      holder[key] = other
    }
  const remove: Change = (holder, key) => {
    if (Array.isArray(holder)) holder.splice(Number(key), 1)
    else delete holder[key]
  }
  const widen: Change = (holder, key) => {
    holder[key] = { ...(holder[key] as object), surplus: 1 }
  }
  return [
    ['removed', remove],
    ...OTHER_TYPES.map((other): [Mutant['kind'], Change] => ['retyped', becomes(other)]),
    ...specific(value, becomes, widen),
  ]
}

function specific(value: unknown, becomes: (other: unknown) => Change, widen: Change): [Mutant['kind'], Change][] {
  if (typeof value === 'string') {
    return [
      ['corrupted', becomes(`${value}~ corrupt`)],
      ['emptied', becomes('')],
    ]
  }
  if (Array.isArray(value)) return [['emptied', becomes([])]]
  return typeof value === 'object' && value !== null ? [['widened', widen]] : []
}

function* pathsIn(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    yield* pathsIn(inner, [...path, Array.isArray(value) ? Number(key) : key])
  }
}

/** How one case of a file of vectors came out here. */
export interface CaseVerdict {
  /** What the file calls it, or its place. */
  readonly name: string
  /** undefined: it holds; else what was to come out, and what did. */
  readonly differs: string | undefined
}

/** Runs what this program ships on the cases of a file of vectors. */
export interface Yardstick {
  readonly kind: string
  /** Whether a file, parsed from JSON, is of this kind. */
  fits(file: unknown): boolean
  /** @param dataFile text of a file of measurements that the vectors name */
  judge(file: unknown, dataFile: (name: string) => string): Iterable<CaseVerdict>
}

/** Holds when both say the same, whatever the order of their keys. */
export function compared(name: string, expected: unknown, got: unknown): CaseVerdict {
  const [said, came] = [sorted(expected), sorted(got)]
  return { name, differs: said === came ? undefined : `expected ${shown(said)}, got ${shown(came)}` }
}

/** Holds when both are the same number, but for so much. */
export function near(name: string, expected: number, got: number, tolerance: number): CaseVerdict {
  const holds = Math.abs(got - expected) <= tolerance
  return { name, differs: holds ? undefined : `expected ${expected} ± ${tolerance}, got ${got}` }
}

/** Holds when it is no less. */
export function atLeast(name: string, expected: number, got: number): CaseVerdict {
  return { name, differs: got >= expected ? undefined : `expected at least ${expected}, got ${got}` }
}

/** Letters shown of each. */
const SHOWN = 200

function shown(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (isRecord(part) ? sortedKeys(part) : part)) ?? 'nothing'
}

function sortedKeys(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

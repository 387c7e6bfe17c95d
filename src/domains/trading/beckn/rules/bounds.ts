import { MAX_DEPTH } from '../../../../protocol/limits.ts'
import { type Breach, breach } from './breach.ts'

/** Values in one message, objects and lists included; a catalog of two days of quarter hours has about 4,000. */
const MAX_VALUES = 20_000

/** Everything after this recurses into the message and looks at each value: both must have an end. */
export function boundsBreach(message: unknown): Breach | undefined {
  const open: [value: unknown, depth: number][] = [[message, 0]]
  for (let count = 1; ; ) {
    const next = open.pop()
    if (next === undefined) return undefined
    const [value, depth] = next
    if (typeof value !== 'object' || value === null) continue
    if (depth >= MAX_DEPTH) return breach('SCH_INVALID', [], `nested more than ${MAX_DEPTH} deep`)
    const inner = Object.values(value)
    count += inner.length
    if (count > MAX_VALUES) return breach('SCH_INVALID', [], `more than ${MAX_VALUES} values in one message`)
    for (const each of inner) open.push([each, depth + 1])
  }
}

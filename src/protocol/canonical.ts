import canonicalize from 'canonicalize'

/** RFC 8785 canonical JSON. Throws on what JSON cannot say (NaN, a lone surrogate). */
export function canonical(value: object): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('an object always has a canonical form')
  return text
}

/**
 * Whether `text` is the canonical form of `value`, which was parsed from it. JSON.stringify writes numbers and strings
 * exactly as RFC 8785 wants them, so when it gives the text back and all keys are sorted, nothing is left to check:
 * a quarter of the cost of writing the canonical form. Keys that look like integers (which JavaScript reorders) and
 * escaped surrogates take the long way.
 */
export function isCanonical(value: unknown, text: string): boolean {
  if (!text.includes('\\ud') && keysSorted(value) && JSON.stringify(value) === text) return true
  try {
    return canonicalize(value) === text
  } catch {
    return false
  }
}

function keysSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(keysSorted)
  let last = ''
  for (const key in value) {
    if (key < last || !keysSorted((value as Record<string, unknown>)[key])) return false
    last = key
  }
  return true
}

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import type { Decision, Strategy } from './strategy.ts'

/**
 * A strategy of the household's own: a module whose default export is called as `(outlook, preferences)` and answers
 * `{ action: 'buy' | 'sell', energyWh, reason }` or `{ action: 'wait', reason }`. It runs inside the daemon: it must
 * answer at once, and what it can do, the daemon can do. Throws ENERGY_STRATEGY when there is no such module.
 */
export async function openStrategy(file: string): Promise<Strategy> {
  const path = resolve(file)
  let loaded: { readonly default?: unknown }
  try {
    loaded = (await import(pathToFileURL(path).href)) as typeof loaded
  } catch (error) {
    throw unusable(path, messageOf(error), error)
  }
  const decide = loaded.default
  if (typeof decide !== 'function') throw unusable(path, 'its default export is no function')
  return checked(decide as (...args: unknown[]) => unknown)
}

const MAX_ENERGY_WH = 1_000_000_000
const reason = z.string().trim().min(1).max(500)
const decision = z.discriminatedUnion('action', [
  z.object({ action: z.enum(['buy', 'sell']), energyWh: z.int().min(1).max(MAX_ENERGY_WH), reason }),
  z.object({ action: z.literal('wait'), reason }),
])

/** Trusts nothing it answers: what is no decision becomes waiting, and the reason says so. */
function checked(decide: (...args: unknown[]) => unknown): Strategy {
  return (outlook, preferences): Decision => {
    let answer: unknown
    try {
      // Copies: what it does to them is no concern of the household.
      answer = decide(structuredClone(outlook), { ...preferences })
    } catch (error) {
      return wait(`failed: ${messageOf(error)}`)
    }
    if (answer instanceof Promise) {
      // Nobody waits for it, so nobody else would catch what it throws.
      answer.catch(() => undefined)
      return wait('answered with a promise; it must decide at once')
    }
    const result = decision.safeParse(answer)
    if (result.success) return result.data
    const issue = result.error.issues[0]
    return wait(`answered nonsense: ${issue?.path.join('.') || 'decision'}: ${issue?.message ?? 'does not fit'}`)
  }
}

function wait(what: string): Decision {
  return { action: 'wait', reason: `the strategy ${what}`.slice(0, 500) }
}

function unusable(path: string, why: string, cause?: unknown): CodedError {
  const hint = 'check household.strategyFile: a JavaScript or TypeScript module, export default (outlook) => decision'
  const message = `cannot use the strategy ${path}: ${why}`
  return new CodedError('ENERGY_STRATEGY', message, cause === undefined ? { hint } : { hint, cause })
}

import { ACTIONS, type KnownAction } from './actions.ts'
import { boundsBreach } from './bounds.ts'
import { type Breach, breach, isObject, shapeBreach } from './breach.ts'
import { type Addressed, type Arrival, bodyBreach, readAddress } from './context.ts'
import { error } from './core/catalog.ts'
import { type Unpacked, unpack } from './packs/packs.ts'
import { policyBreach } from './policy/policy.ts'
import { sceneOf } from './policy/scene.ts'

export type BecknVerdict =
  /** `notes`: what was not checked, in words. */
  | { readonly ok: true; readonly action: KnownAction; readonly notes: readonly string[] }
  | ({ readonly ok: false } & Breach)

/**
 * Whether a Beckn message from outside may be worked with. The layers in Beckn's order, the first breach ends it:
 * bounds, context (`CTX_…`), the core and the packs (`SCH_…`), the rules of the network (`POL_…`). Signatures (`AUT_…`) and
 * the state of a trade (`BIZ_…`) are for those who have keys and trades. Never throws, whatever JSON it is given.
 */
export function validateMessage(message: unknown, at: Arrival = {}): BecknVerdict {
  const opened = openMessage(message, at)
  if ('code' in opened) return { ok: false, ...opened }
  const judged = judgeMessage(opened)
  return 'code' in judged ? { ok: false, ...judged } : { ok: true, action: opened.action, notes: judged.notes }
}

/** A message whose context has been read, and nothing else of it. */
export interface Opened extends Addressed {
  readonly error: unknown
}

/** The layers before trust: bounds and context. */
export function openMessage(message: unknown, at: Arrival): Opened | Breach {
  if (!isObject(message)) return breach('SCH_INVALID', [], 'expected an object, { context, message }')
  const address = boundsBreach(message) ?? readAddress(message, at)
  return 'code' in address ? address : { ...address, error: message['error'] }
}

/** The layers after it: the core, the packs, the rules of the network. */
export function judgeMessage(opened: Opened): Pick<Unpacked, 'notes'> | Breach {
  const { action, message, error: failure } = opened
  const misshapen =
    bodyBreach(opened) ?? shapeBreach(ACTIONS[action].message, message, ['message']) ?? errorBreach(failure)
  if (misshapen !== undefined) return misshapen
  const unpacked = unpack(message)
  if ('code' in unpacked) return unpacked
  return policyBreach(sceneOf(opened, unpacked.bags)) ?? unpacked
}

/** A callback says with an error why it does not bring what was asked for. */
function errorBreach(failure: unknown): Breach | undefined {
  return failure === undefined ? undefined : shapeBreach(error, failure, ['error'])
}

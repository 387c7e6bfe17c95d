import { ACTIONS, type KnownAction } from './actions.ts'
import { boundsBreach } from './bounds.ts'
import { type Breach, breach, type Fields, isObject, shapeBreach } from './breach.ts'
import { type Arrival, readAddress } from './context.ts'
import { error } from './core/catalog.ts'
import { unpack } from './packs/packs.ts'
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
  if (!isObject(message)) return refused(breach('SCH_INVALID', [], 'expected an object, { context, message }'))
  const unbounded = boundsBreach(message)
  if (unbounded !== undefined) return refused(unbounded)
  const address = readAddress(message, at)
  if ('code' in address) return refused(address)
  const misshapen = shapeBreach(ACTIONS[address.action].message, address.message, ['message']) ?? errorBreach(message)
  if (misshapen !== undefined) return refused(misshapen)
  const unpacked = unpack(address.message)
  if ('code' in unpacked) return refused(unpacked)
  const unruly = policyBreach(sceneOf(address, unpacked.bags))
  return unruly === undefined ? { ok: true, action: address.action, notes: unpacked.notes } : refused(unruly)
}

/** A callback says with an error why it does not bring what was asked for. */
function errorBreach(message: Fields): Breach | undefined {
  return message['error'] === undefined ? undefined : shapeBreach(error, message['error'], ['error'])
}

function refused(why: Breach): BecknVerdict {
  return { ok: false, ...why }
}

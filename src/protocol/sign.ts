import { canonical } from './canonical.ts'
import type { UnsignedEnvelope } from './envelope.ts'
import type { Identity } from './keys.ts'

/** Keeps a signature over a message from ever being a signature over something else. */
export const ENVELOPE_DOMAIN = 'wattmesh/envelope/1\n'

/** The wire form: canonical JSON, signed. The same envelope always gives the same bytes. */
export function signEnvelope(unsigned: UnsignedEnvelope, identity: Identity): Uint8Array {
  const signature = identity.sign(ENVELOPE_DOMAIN + canonical(unsigned))
  return Buffer.from(canonical({ ...unsigned, signature }))
}

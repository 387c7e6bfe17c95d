import { randomBytes, randomUUID } from 'node:crypto'
import type { MessageId, PeerId, SubjectId } from '../../src/kernel/ids.ts'
import type { UnsignedEnvelope } from '../../src/protocol/envelope.ts'
import { type Identity, identityFromSeed } from '../../src/protocol/keys.ts'
import { signEnvelope } from '../../src/protocol/sign.ts'

export const NETWORK = 'bench'
/** What a catalog or a confirmed order is about as large as. */
export const ENVELOPE_BYTES = 1024
const LIFETIME_MS = 60 * 60_000

export function createIdentity(): Identity {
  return identityFromSeed(randomBytes(32))
}

/** A fresh envelope of `ENVELOPE_BYTES` once signed, of a few fields as messages have them. */
export function createEnvelope(sender: Identity, to?: PeerId): UnsignedEnvelope {
  const id = randomUUID() as MessageId
  const now = Date.now()
  const bare: UnsignedEnvelope = {
    v: 1,
    type: 'bench.message',
    id,
    task_id: id as string as SubjectId,
    network: NETWORK,
    sender_id: sender.peerId,
    ...(to === undefined ? {} : { to }),
    created: now,
    expires: now + LIFETIME_MS,
    payload: { context: { action: 'bench', version: '2.0.0' }, message: { quantityWh: 1500, text: '' } },
  }
  const missing = ENVELOPE_BYTES - signEnvelope(bare, sender).byteLength
  const text = 'Ten kilowatt hours of sunshine, from noon to two. '.repeat(30).slice(0, missing)
  return { ...bare, payload: { ...bare.payload, message: { quantityWh: 1500, text } } }
}

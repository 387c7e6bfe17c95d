import { z } from 'zod'
import { PEER_ID, type PeerId } from '../../kernel/ids.ts'

/** A libp2p peer id of an Ed25519 key, as a stranger writes it. */
export const peerIdSchema = z
  .string()
  .regex(PEER_ID)
  .transform(text => text as PeerId)

/** An Ed25519 signature in base64url. 64 bytes leave four bits of the last letter unused: they must be zero. */
export const signatureSchema = z.string().regex(/^[\w-]{85}[AQgw]$/)

import { z } from 'zod'
import type { PeerId } from '../../../kernel/ids.ts'

/** Whether this peer has signed this text. */
export type Verify = (peer: PeerId, text: string, signature: string) => boolean

/** A libp2p peer id of an Ed25519 key, as a stranger writes it. */
export const peerIdSchema = z
  .string()
  .regex(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/)
  .transform(text => text as PeerId)

/** An Ed25519 signature in base64url. 64 bytes leave four bits of the last letter unused: they must be zero. */
export const signatureSchema = z.string().regex(/^[\w-]{85}[AQgw]$/)

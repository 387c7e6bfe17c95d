import type { PeerId } from '../kernel/ids.ts'
import type { Decoded } from './decode.ts'
import type { Envelope } from './envelope.ts'
import { verifySignature } from './keys.ts'
import { CLOCK_SKEW_MS, MAX_LIFETIME_MS } from './limits.ts'
import { ENVELOPE_DOMAIN } from './sign.ts'
import { type Rejection, rejection } from './verdict.ts'

export interface Receiver {
  /** Who listens; undefined: a relay, which is nobody's audience but passes on what is for everybody. */
  readonly peerId: PeerId | undefined
  readonly network: string
}

/** Network, time window, signature, audience: cheap checks first, and the audience last, because what is for others is carried on only when it is genuine. */
export function verify({ envelope, signedText }: Decoded, receiver: Receiver, nowMs: number): Rejection | undefined {
  return (
    wrongFrame(envelope, receiver) ??
    wrongTime(envelope, nowMs) ??
    wrongSignature(envelope, signedText) ??
    wrongAudience(envelope, receiver)
  )
}

function wrongFrame(envelope: Envelope, receiver: Receiver): Rejection | undefined {
  if (envelope.v !== 1) return rejection('ENV_VERSION', `version ${envelope.v}, this peer speaks 1`)
  if (envelope.network === receiver.network) return undefined
  return rejection('ENV_NETWORK', `made for network ${envelope.network}, this is ${receiver.network}`)
}

function wrongTime({ created, expires }: Envelope, nowMs: number): Rejection | undefined {
  if (expires <= created || expires - created > MAX_LIFETIME_MS) return rejection('ENV_LIFETIME')
  if (created > nowMs + CLOCK_SKEW_MS)
    return rejection('ENV_FROM_FUTURE', `created ${seconds(created - nowMs)} from now`)
  if (expires < nowMs - CLOCK_SKEW_MS) return rejection('ENV_EXPIRED', `expired ${seconds(nowMs - expires)} ago`)
  return undefined
}

function wrongSignature({ sender_id, signature }: Envelope, signedText: string): Rejection | undefined {
  const valid = verifySignature(sender_id, ENVELOPE_DOMAIN + signedText, signature)
  if (valid === undefined) return rejection('ENV_SENDER')
  return valid ? undefined : rejection('ENV_SIGNATURE')
}

function wrongAudience({ to }: Envelope, receiver: Receiver): Rejection | undefined {
  return to === undefined || to === receiver.peerId ? undefined : rejection('ENV_AUDIENCE')
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}

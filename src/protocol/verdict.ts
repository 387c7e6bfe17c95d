/** What gossip is told about a message: pass it on, drop it, or drop it and blame who sent it. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/** Everything that can be wrong with a message before a domain sees it. */
export type ProtocolCode =
  | 'ENV_TOO_LARGE'
  | 'ENV_UNREADABLE'
  | 'ENV_TOO_DEEP'
  | 'ENV_FRAME'
  | 'ENV_NOT_CANONICAL'
  | 'ENV_VERSION'
  | 'ENV_NETWORK'
  | 'ENV_AUDIENCE'
  | 'ENV_EXPIRED'
  | 'ENV_FROM_FUTURE'
  | 'ENV_LIFETIME'
  | 'ENV_SENDER'
  | 'ENV_SIGNATURE'
  | 'ENV_UNKNOWN_TYPE'
  | 'ENV_CARRIER'
  | 'ENV_SEALED'
  | 'ENV_PAYLOAD'
  | 'ENV_REPLAYED'
  | 'ENV_ID_REUSED'

/** One place that maps failures to verdicts; a new code without a verdict does not compile. */
export const VERDICTS: Readonly<Record<ProtocolCode, { verdict: Verdict; meaning: string }>> = {
  ENV_TOO_LARGE: { verdict: 'reject', meaning: 'larger than its carrier allows' },
  ENV_UNREADABLE: { verdict: 'reject', meaning: 'not UTF-8 JSON' },
  ENV_TOO_DEEP: { verdict: 'reject', meaning: 'nested deeper than allowed' },
  ENV_FRAME: { verdict: 'reject', meaning: 'a field of the envelope is missing, unknown or malformed' },
  ENV_NOT_CANONICAL: { verdict: 'reject', meaning: 'not RFC 8785 canonical JSON' },
  ENV_VERSION: { verdict: 'ignore', meaning: 'a version of the protocol this peer does not speak' },
  ENV_NETWORK: { verdict: 'reject', meaning: 'made for another network' },
  // An addressed message on a shared topic is for one peer, and carried by all.
  ENV_AUDIENCE: { verdict: 'accept', meaning: 'addressed to another peer' },
  ENV_EXPIRED: { verdict: 'ignore', meaning: 'past its time' },
  ENV_FROM_FUTURE: { verdict: 'ignore', meaning: 'created later than now: one of the two clocks is wrong' },
  ENV_LIFETIME: { verdict: 'reject', meaning: 'a time window that is empty or longer than allowed' },
  ENV_SENDER: { verdict: 'reject', meaning: 'the sender is not an Ed25519 peer id, or not the peer on the connection' },
  ENV_SIGNATURE: { verdict: 'reject', meaning: 'not signed by its sender' },
  ENV_UNKNOWN_TYPE: { verdict: 'ignore', meaning: 'a type of message this peer does not know' },
  // Whom it is for is looked at first, so neighbours pass on what its recipient would refuse: not their fault.
  ENV_CARRIER: { verdict: 'ignore', meaning: 'a type of message that does not travel this way' },
  ENV_SEALED: { verdict: 'ignore', meaning: 'sealed, and this peer cannot open it; or open where it must be sealed' },
  ENV_PAYLOAD: { verdict: 'ignore', meaning: 'the payload does not fit its type' },
  ENV_REPLAYED: { verdict: 'ignore', meaning: 'seen before' },
  ENV_ID_REUSED: { verdict: 'ignore', meaning: 'an id seen before, with other content' },
}

export interface Rejection {
  readonly ok: false
  readonly code: ProtocolCode
  readonly reason: string
}

export function rejection(code: ProtocolCode, reason: string = VERDICTS[code].meaning): Rejection {
  return { ok: false, code, reason }
}

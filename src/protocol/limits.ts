/** The law of the protocol. Every peer holds to the same numbers, so none of them is configurable. */

/** A published message; gossip copies it about six times. */
export const MAX_GOSSIP_BYTES = 64 * 1024
/** A message sent straight to one peer. */
export const MAX_STREAM_BYTES = 1024 * 1024
/** Nesting of the JSON text, counted before it is parsed: canonical JSON recurses. */
export const MAX_DEPTH = 32
/** A message may be this old or this young beyond its own window, for clocks that disagree. */
export const CLOCK_SKEW_MS = 60_000
/** No message asks to be kept in mind for longer. */
export const MAX_LIFETIME_MS = 24 * 60 * 60_000

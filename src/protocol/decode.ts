import { messageOf } from '../kernel/errors.ts'
import { isCanonical } from './canonical.ts'
import { type Envelope, parseEnvelope } from './envelope.ts'
import { MAX_DEPTH } from './limits.ts'
import { type Rejection, rejection } from './verdict.ts'

export interface Decoded {
  readonly ok: true
  readonly envelope: Envelope
  /** The canonical text without the signature: what was signed. */
  readonly signedText: string
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes to envelope: size, depth, JSON, frame, canonical form; no cryptography yet. The bytes must be the canonical
 * form itself, so that a message has one spelling and nobody can multiply it by rewriting white space.
 */
export function decode(bytes: Uint8Array, maxBytes: number): Decoded | Rejection {
  if (bytes.byteLength > maxBytes) return rejection('ENV_TOO_LARGE', `${bytes.byteLength} bytes, at most ${maxBytes}`)
  if (deeperThan(bytes, MAX_DEPTH)) return rejection('ENV_TOO_DEEP')
  let text: string
  let value: unknown
  try {
    text = utf8.decode(bytes)
    value = JSON.parse(text)
  } catch (error) {
    return rejection('ENV_UNREADABLE', messageOf(error))
  }
  const envelope = parseEnvelope(value)
  if (typeof envelope === 'string') return rejection('ENV_FRAME', envelope)
  if (!isCanonical(value, text)) return rejection('ENV_NOT_CANONICAL')
  return { ok: true, envelope, signedText: withoutSignature(text, envelope.signature) }
}

/** The frame allows no quote in the fields that sort after `signature`, so the last match is the envelope's own. */
function withoutSignature(text: string, signature: string): string {
  const field = `"signature":"${signature}",`
  const at = text.lastIndexOf(field)
  return text.slice(0, at) + text.slice(at + field.length)
}

/** Counts brackets outside strings, so that no parser recurses into a bomb. */
export function deeperThan(bytes: Uint8Array, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === BACKSLASH) i++
    else if (byte === QUOTE) inString = !inString
    else if (!inString) depth += step(byte)
    if (depth > limit) return true
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

function step(byte: number | undefined): number {
  if (byte === 0x7b || byte === 0x5b) return 1
  return byte === 0x7d || byte === 0x5d ? -1 : 0
}

import { canonical } from '../../protocol/canonical.ts'
import type { Line } from './pairing.ts'

/** What one peer tells another about the contracts of a slot; `from` is whoever signs the message. */
export type SigningMessage =
  | { readonly to: string; readonly bind: Bound }
  | { readonly to: string; readonly sign: SignedLine }
  | { readonly to: string; readonly release: SignedLine }

export interface Bound {
  readonly from: string
  readonly root: string
}

export interface SignedLine extends Bound {
  readonly line: Line
}

/** What happens to the contracts of a slot, here or by somebody's word. */
export type SigningEvent =
  /** This peer names the root of its book, and the lines of its result. */
  | { readonly freeze: { readonly root: string; readonly lines: readonly Line[] } }
  | { readonly bind: Bound }
  | { readonly sign: SignedLine }
  | { readonly release: SignedLine }
  /** The time to sign is over: what this peer has not signed is free. */
  | { readonly close: true }
  /** The slot begins. */
  | { readonly begin: true }
  /** What is unanswered is said again. */
  | { readonly again: true }

/** A line of this peer's own result, and how far its two signatures are. */
interface Standing {
  readonly line: Line
  readonly mine: boolean
  readonly theirs: boolean
  /** This peer has refused it, for ever: for one line it signs the contract or a release, never both. */
  readonly released: boolean
  /** The other side has: it cannot claim it any more. */
  readonly wasReleased: boolean
}

/** One peer's contracts of one slot. A value: what follows from an event is another one. */
export interface Signing {
  readonly me: string
  /** Bound once, whatever comes later. */
  readonly root: string | undefined
  readonly lines: readonly Standing[]
  /** What was refused before the freeze, which is not to be signed after it: root and line, in canonical form. */
  readonly refused: readonly string[]
  readonly closed: boolean
  readonly begun: boolean
}

export interface SigningStep {
  readonly state: Signing
  readonly messages: readonly SigningMessage[]
}

/** Anybody can ask for signatures: beyond this nothing is answered, so nothing has to be remembered. */
const MAX_REFUSED = 1_000

export function openSigning(me: string): Signing {
  return { me, root: undefined, lines: [], refused: [], closed: false, begun: false }
}

/** What follows from an event: pure, so that it can be made durable before anything is said. */
export function stepSigning(state: Signing, event: SigningEvent): SigningStep {
  if ('freeze' in event) return freeze(state, event.freeze)
  if ('bind' in event) return bound(state, event.bind)
  if ('sign' in event) return signed(state, event.sign)
  if ('release' in event) return released(state, event.release)
  if ('close' in event) return quiet(close(state))
  if ('begin' in event) return quiet({ ...close(state), begun: true })
  return again(state)
}

/** What this peer has signed and nobody has taken back: nothing of it is sold elsewhere. */
export function promisedWh({ me, lines }: Signing): { readonly buyWh: number; readonly sellWh: number } {
  const promised = lines.filter(({ mine, wasReleased }) => mine && !wasReleased)
  const sum = (side: 0 | 1): number =>
    promised.reduce((total, { line }) => total + (line[side] === me ? line[2] : 0), 0)
  return { buyWh: sum(0), sellWh: sum(1) }
}

/** The contracts that stand: both have signed. */
export function standingLines({ lines }: Signing): Line[] {
  return lines.flatMap(({ line, mine, theirs }) => (mine && theirs ? [line] : []))
}

function freeze(state: Signing, { root, lines }: { root: string; lines: readonly Line[] }): SigningStep {
  if (state.root !== undefined || state.closed) return quiet(state)
  const own = lines
    .filter(([buyer, seller]) => buyer === state.me || seller === state.me)
    .map((line): Standing => {
      const refusedBefore = state.refused.includes(refusalKey(root, line))
      return { line, mine: false, theirs: false, released: refusedBefore, wasReleased: false }
    })
  const messages = own.map(({ line }): SigningMessage => ({ to: other(state, line), bind: { from: state.me, root } }))
  return { state: { ...state, root, lines: own }, messages }
}

/** Whoever has bound to the same root is signed for. */
function bound(state: Signing, { from, root }: Bound): SigningStep {
  if (root !== state.root || state.closed) return quiet(state)
  const signs = ({ line, released, wasReleased }: Standing): boolean =>
    other(state, line) === from && !released && !wasReleased
  return {
    state: { ...state, lines: state.lines.map(one => (signs(one) ? { ...one, mine: true } : one)) },
    messages: state.lines.filter(signs).map(({ line }) => signature(state, from, root, line)),
  }
}

function signed(state: Signing, { from, root, line }: SignedLine): SigningStep {
  const known = knownLine(state, { from, root, line })
  if (known?.wasReleased === true) return quiet(state)
  if (known?.mine === true) return quiet(replaced(state, known, { theirs: true }))
  if (known !== undefined && !state.closed && !known.released) {
    const both = replaced(state, known, { theirs: true, mine: true })
    return { state: both, messages: [signature(state, from, root, line)] }
  }
  if (!line.slice(0, 2).includes(state.me) || isFull(state, refusalKey(root, line))) return quiet(state)
  const release: SigningMessage = { to: from, release: { from: state.me, root, line } }
  return { state: refuse(state, root, line), messages: [release] }
}

function released(state: Signing, word: SignedLine): SigningStep {
  const known = knownLine(state, word)
  if (known === undefined || known.theirs) return quiet(state)
  return quiet(replaced(state, known, { wasReleased: true }))
}

function close(state: Signing): Signing {
  const lines = state.lines.map(one => (one.mine ? one : { ...one, released: true }))
  return { ...state, lines, closed: true }
}

function again(state: Signing): SigningStep {
  const { root } = state
  if (root === undefined || state.begun) return quiet(state)
  const messages = state.lines.flatMap(({ line, mine, theirs, wasReleased }): SigningMessage[] => {
    const to = other(state, line)
    if (mine) return theirs || wasReleased ? [] : [signature(state, to, root, line)]
    return state.closed ? [] : [{ to, bind: { from: state.me, root } }]
  })
  return { state, messages }
}

const quiet = (state: Signing): SigningStep => ({ state, messages: [] })

function signature({ me }: Signing, to: string, root: string, line: Line): SigningMessage {
  return { to, sign: { from: me, root, line } }
}

function other({ me }: Signing, [buyer, seller]: Line): string {
  return buyer === me ? seller : buyer
}

/** A line of this peer's own result, in the same words, told by its other side. */
function knownLine(state: Signing, { from, root, line }: SignedLine): Standing | undefined {
  if (root !== state.root) return undefined
  const text = canonical(line)
  return state.lines.find(one => canonical(one.line) === text && other(state, one.line) === from)
}

function replaced(state: Signing, known: Standing, more: Partial<Standing>): Signing {
  return { ...state, lines: state.lines.map(one => (one === known ? { ...one, ...more } : one)) }
}

function refuse(state: Signing, root: string, line: Line): Signing {
  const key = refusalKey(root, line)
  const text = canonical(line)
  const lines = state.lines.map(one =>
    root === state.root && canonical(one.line) === text ? { ...one, released: true } : one,
  )
  // Once it has bound, or may not any more, it signs nothing but the lines it has.
  const isOpen = state.root === undefined && !state.closed && !state.refused.includes(key)
  return { ...state, lines, refused: isOpen ? [...state.refused, key] : state.refused }
}

function isFull({ root, closed, refused }: Signing, key: string): boolean {
  return root === undefined && !closed && refused.length >= MAX_REFUSED && !refused.includes(key)
}

function refusalKey(root: string, line: Line): string {
  return canonical({ root, line })
}

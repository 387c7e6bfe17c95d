import { type AgentCard, type Task, TaskState } from '@a2a-js/sdk'
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from '@a2a-js/sdk/client'
import type { NewId, PeerId } from '../../../kernel/ids.ts'
import { type Slot, timestamp } from '../../../kernel/slot.ts'
import { type KnownCard, readCard } from '../card.ts'
import { createFetch, type SendRequest } from '../carrier.ts'
import { a2aError } from '../error.ts'
import { readSocSeries, type StateOfCharge } from '../soc/series.ts'
import { askForSoc, firstOf, rejectionOf } from '../soc/task.ts'

export type SocReply =
  | { readonly outcome: 'answered'; readonly soc: StateOfCharge }
  /** Without `cardHash` the refusal is no matter of consent, and may pass by itself. */
  | { readonly outcome: 'refused'; readonly asked: boolean; readonly reason: string; readonly cardHash?: string }

export interface ClientDeps {
  readonly send: SendRequest
  readonly now: () => number
  readonly newId: NewId
  /** For each of at most three requests. */
  readonly timeoutMs: number
  /** How long a card is believed; a household that changes its mind is noticed after this. */
  readonly cardAgeMs: number
  /** The slot of market time that is now. */
  readonly currentSlot: () => Slot
}

export interface Client {
  /**
   * Reads a household's agent card, unless it is fresh in mind, and asks for its state of charge; not so when the card
   * offers none, or is still the one under which consent was refused.
   * @throws what `send` throws, A2A_BAD_CARD, A2A_BAD_ANSWER, A2A_WRONG_PEER, errors of the SDK
   */
  ask(peer: PeerId, refusedCardHash: string | undefined, signal: AbortSignal): Promise<SocReply>
  /** Forgets the cards of all other peers. */
  keepOnly(peers: ReadonlySet<PeerId>): void
}

/** However its clock goes, a household tells of a slot near now: more is an error, or a lie that would spoil a plot. */
const MAX_DRIFT_SLOTS = 96
const MAX_REASON = 200

/** The official SDK's client, over streams instead of HTTP. */
export function createClient(deps: ClientDeps): Client {
  const { send, now, newId, timeoutMs } = deps
  const cards = new Map<PeerId, KnownCard & { readonly readMs: number }>()

  async function cardOf(peer: PeerId, fetchImpl: typeof fetch): Promise<KnownCard> {
    const known = cards.get(peer)
    if (known !== undefined && now() - known.readMs < deps.cardAgeMs) return known
    const fresh = readCard(await new DefaultAgentCardResolver({ fetchImpl }).resolve(`libp2p://${peer}/`))
    cards.set(peer, { ...fresh, readMs: now() })
    return fresh
  }

  async function taskOf(card: AgentCard, fetchImpl: typeof fetch): Promise<Task> {
    const factory = new ClientFactory({ transports: [new JsonRpcTransportFactory({ fetchImpl })] })
    const client = await factory.createFromAgentCard(card)
    const result = await client.sendMessage(askForSoc(newId()))
    if (!('status' in result)) throw a2aError('A2A_BAD_ANSWER', 'it answered with a message, not with a task')
    return result
  }

  /** A card that offered what was then refused is out of date: the refusal belongs to the one that took its place. */
  async function currentHash(peer: PeerId, otherwise: string, fetchImpl: typeof fetch): Promise<string> {
    cards.delete(peer)
    try {
      return (await cardOf(peer, fetchImpl)).hash
    } catch {
      return otherwise
    }
  }

  return {
    async ask(peer, refusedCardHash, signal) {
      const fetchImpl = createFetch(send, peer, { timeoutMs, signal })
      const { card, hash, offersSoc } = await cardOf(peer, fetchImpl)
      if (!offersSoc) {
        const reason = 'no consent: its agent card does not offer the state of charge'
        return { outcome: 'refused', asked: false, reason, cardHash: hash }
      }
      if (hash === refusedCardHash) {
        const reason = 'no consent: it refused before, and its agent card has not changed since'
        return { outcome: 'refused', asked: false, reason, cardHash: hash }
      }
      try {
        const reply = replyOf(await taskOf(card, fetchImpl), hash, deps.currentSlot())
        return 'cardHash' in reply ? { ...reply, cardHash: await currentHash(peer, hash, fetchImpl) } : reply
      } catch (error) {
        // It may have come back as another version of itself: the next round reads its card anew.
        cards.delete(peer)
        throw error
      }
    },
    keepOnly(peers) {
      for (const peer of cards.keys()) if (!peers.has(peer)) cards.delete(peer)
    },
  }
}

/** @throws A2A_BAD_ANSWER */
function replyOf({ status, artifacts }: Task, cardHash: string, now: Slot): SocReply {
  const parts = status?.message?.parts ?? []
  const words = parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : [])).join(' ')
  const reason = words.slice(0, MAX_REASON).toWellFormed()
  if (status?.state === TaskState.TASK_STATE_COMPLETED) {
    const soc = firstOf(
      artifacts.flatMap(artifact => artifact.parts),
      readSocSeries,
    )
    if (soc === undefined) throw a2aError('A2A_BAD_ANSWER', 'its task is complete without a SOC_END series in kWh')
    checkSlot(soc.slot, now)
    return { outcome: 'answered', soc }
  }
  if (status?.state === TaskState.TASK_STATE_REJECTED) {
    const refused = {
      outcome: 'refused',
      asked: true,
      reason: reason === '' ? 'rejected without a word' : reason,
    } as const
    return rejectionOf(parts) === 'NO_CONSENT' ? { ...refused, cardHash } : refused
  }
  const state = TaskState[status?.state ?? TaskState.TASK_STATE_UNSPECIFIED] ?? 'in a state unknown here'
  throw a2aError('A2A_BAD_ANSWER', `its task ended ${state}${reason === '' ? '' : `: ${reason}`}`)
}

function checkSlot(slot: Slot, now: Slot): void {
  const drift = Math.abs(slot.startMs - now.startMs) / now.durationMs
  if (slot.durationMs === now.durationMs && drift <= MAX_DRIFT_SLOTS) return
  throw a2aError('A2A_BAD_ANSWER', `it told of the slot ${timestamp(slot.startMs)}, which is not near now`, {
    hint: 'its market clock or slot length differs from ours; compare market.slotMs, market.speed and the clocks',
    details: { ...slot },
  })
}

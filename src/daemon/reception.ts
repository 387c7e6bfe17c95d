import type { Inbox } from '../inbox/inbox.ts'
import type { Clock } from '../kernel/clock.ts'
import { CodedError } from '../kernel/errors.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import { stamp, wire } from '../outbox/wire.ts'
import { answerDraft } from '../protocol/answer.ts'
import type { Identity } from '../protocol/keys.ts'
import { isSealed } from '../protocol/sealed.ts'
import type { Verdict } from '../protocol/verdict.ts'

/** Whether a message that arrived is heard. */
export type Reachable = (bytes: Uint8Array) => boolean

export interface ReceptionDeps {
  readonly inbox: Inbox
  readonly identity: Identity
  readonly networkName: string
  readonly topics: ReadonlyMap<string, string>
  readonly clock: Clock
  readonly newId: NewId
  readonly reachable: Reachable
}

/** Where bytes from the network become arrivals at the inbox, and the inbox's answers bytes again. */
export function createReception({ inbox, identity, networkName, topics, clock, newId, reachable }: ReceptionDeps) {
  return {
    gossip(topic: string, bytes: Uint8Array, from: PeerId): Promise<Verdict> {
      const carrier = topics.get(topic)
      if (carrier === undefined) return Promise.resolve('ignore')
      // One who plays dead for a scenario still carries what is for others.
      if (!reachable(bytes)) return Promise.resolve('accept')
      return Promise.resolve(inbox.gossip({ bytes, carrier, from }))
    },

    async request(bytes: Uint8Array, from: PeerId): Promise<Uint8Array> {
      if (!reachable(bytes)) throw new CodedError('NODE_AWAY', 'this peer plays dead')
      const { envelope, answer } = await inbox.request({ bytes, carrier: 'stream', from })
      // What could not be read has no id to answer to; the connection tells who asked.
      if (envelope === undefined) throw new CodedError('NODE_UNREADABLE', JSON.stringify(answer))
      const draft = answerDraft(envelope, answer, { carrier: 'stream', sealed: isSealed(envelope.payload) })
      return wire(
        stamp(draft, { peerId: identity.peerId, network: networkName }, clock, newId),
        draft.sealed === true,
        identity,
      )
    },
  }
}

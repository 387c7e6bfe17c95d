import type { MessageId, PeerId, SubjectId } from '../kernel/ids.ts'
import type { Answer, Carrier } from '../kernel/outcome.ts'
import type { PendingMessage } from './wire.ts'

/** What the outbox keeps and reads; storage satisfies it. */
export interface Journal {
  insert(message: {
    direction: 'out'
    id: MessageId
    type: string
    taskId: SubjectId
    peer: PeerId | undefined
    at: number
    expires: number
    envelope: string
    carrier: Carrier
    sealed: boolean
    state: 'pending'
    answer: undefined
  }): boolean
  sent(id: MessageId): PendingMessage | undefined
  waitingRecipients(): (PeerId | undefined)[]
  nextFor(peer: PeerId | undefined): PendingMessage | undefined
  finish(id: MessageId, state: 'delivered' | 'refused' | 'expired', answer: Answer | undefined): void
  tried(id: MessageId): void
}

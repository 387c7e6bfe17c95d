import type { MessageId, PeerId } from '../kernel/ids.ts'
import type { Answer, Carrier } from '../kernel/outcome.ts'
import type { Envelope } from '../protocol/envelope.ts'

/** What the inbox keeps and reads; storage satisfies it. */
export interface Journal {
  insert(message: {
    direction: 'in'
    id: MessageId
    type: string
    taskId: Envelope['task_id']
    peer: PeerId
    at: number
    expires: number
    envelope: string
    instead: string | undefined
    carrier: Carrier
    sealed: boolean
    state: 'handled'
    answer: Answer
  }): boolean
  seen(sender: PeerId, id: MessageId, envelope: string): { same: boolean; answer: Answer } | undefined
}

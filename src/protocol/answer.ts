import { z } from 'zod'
import type { MessageId } from '../kernel/ids.ts'
import type { Answer, Carrier, Draft, JsonObject } from '../kernel/outcome.ts'
import type { Envelope } from './envelope.ts'

/** How long an answer means anything; the request is sent again after that anyway. */
const ANSWER_TTL_MS = 60_000

/** Beckn's acknowledgement, for every kind of request: `{ message: { status, messageId, error? } }`. */
export const answerSchema = z.strictObject({
  message: z.discriminatedUnion('status', [
    z.strictObject({ status: z.literal('ACK'), messageId: z.uuid(), details: z.looseObject({}).optional() }),
    z.strictObject({
      status: z.literal('NACK'),
      messageId: z.uuid(),
      error: z.strictObject({
        code: z.string().max(64),
        message: z.string().max(2_000),
        details: z.looseObject({}).optional(),
      }),
    }),
  ]),
})

/**
 * The answer as a message back to who asked, the way the question came; sealed when the question was. An acknowledgement
 * that says no more than its type, which everybody reads, has nothing to seal.
 */
export function answerDraft(
  asked: Pick<Envelope, 'id' | 'task_id' | 'sender_id'>,
  answer: Answer,
  { carrier, sealed }: { readonly carrier: Carrier; readonly sealed: boolean },
): Draft {
  const saysMore = answer.status === 'NACK' || answer.details !== undefined
  return {
    type: answer.status === 'ACK' ? 'ack' : 'nack',
    subjectId: asked.task_id,
    to: asked.sender_id,
    replyTo: asked.id,
    payload: { message: { ...answer, messageId: asked.id } as unknown as JsonObject },
    carrier,
    ttlMs: ANSWER_TTL_MS,
    sealed: sealed && saysMore,
  }
}

/** The answer inside the payload of an `ack` or `nack`, when it is one to `asked`. */
export function answerFrom(payload: unknown, asked: MessageId): Answer | undefined {
  const parsed = answerSchema.safeParse(payload)
  if (!parsed.success || parsed.data.message.messageId !== asked) return undefined
  const { messageId: _, ...answer } = parsed.data.message
  return answer as Answer
}

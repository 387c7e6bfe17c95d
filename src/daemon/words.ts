import { z } from 'zod'
import { type MessageId, PEER_ID, type PeerId, type SubjectId, type TaskId, type TransactionId } from '../kernel/ids.ts'
import type { Answer, Json } from '../kernel/outcome.ts'
import { schemaOf } from './command.ts'

/** Words that the commands of several domains share. */

/** What an id must look like is the business of where it comes in; the compiler alone tells one from another. */
function named<Id extends string>(schema: z.ZodString) {
  return schema.refine((text): text is Id => typeof text === 'string')
}

export const peerId = named<PeerId>(z.string()).describe('Peer id, base58: 12D3KooW…')
export const taskId = named<TaskId>(z.string())
export const transactionId = named<TransactionId>(z.string())
export const subjectId = named<SubjectId>(z.string())
export const messageId = named<MessageId>(z.string())

/** What somebody names in a request. */
export const peerNamed = named<PeerId>(z.string().max(128))
export const transactionNamed = named<TransactionId>(z.string().max(128))
/** A peer that is to be given something: not mistyped. */
export const peerTrusted = named<PeerId>(z.string().regex(PEER_ID, 'a peer id begins with 12D3KooW'))

export const json: z.ZodType<Json, Json> = z.json()
// By hand: under `.meta` the schema that calls itself stays without a name.
z.globalRegistry.add(json, { id: 'Json', description: 'Anything JSON can say.' })
export const jsonObject = z.record(z.string(), json)

export const timeMs = z.int().describe('Unix milliseconds.')
export const marketTimeMs = z.int().describe('Unix milliseconds of market time, which may run faster than life.')
export const slot = z
  .object({ startMs: marketTimeMs, durationMs: z.int().describe('Milliseconds.') })
  .meta({ id: 'Slot', description: 'A stretch of market time in which traded energy flows.' })

export const energyWh = z.int().describe('Watt-hours.')
export const micro = z.int().describe('Millionths of the currency.')
export const microPerKwh = z.int().describe('Millionths of the currency a kWh.')

export const carrier = z.string().describe('`stream`, or the name of a topic.')
export const answer = schemaOf<Answer>()(
  z.discriminatedUnion('status', [
    z.object({ status: z.literal('ACK'), details: jsonObject.exactOptional() }),
    z.object({
      status: z.literal('NACK'),
      error: z.object({ code: z.string(), message: z.string(), details: jsonObject.exactOptional() }),
    }),
  ]),
).meta({ id: 'Answer', description: 'The answer to a message: taken, or refused with a reason.' })

/** What is asked for needs no words, or what was done has no more to say. */
export const nothing = z.object({})
export const byId = z.object({ id: z.string().max(128) })
export const page = z.object({ limit: z.int().min(1).max(1_000_000).default(100) })

import { type Message, type Part, Role, type SendMessageRequest } from '@a2a-js/sdk'
import { z } from 'zod'
import type { Json } from '../../../kernel/outcome.ts'

/** The id of the skill, on the agent card and in the task. */
export const SOC_SKILL = 'state-of-charge'
export const JSON_MEDIA_TYPE = 'application/json'

/** Why a household rejects the task; told in the data part of the task's status. */
export type Rejection = 'NO_CONSENT' | 'NOT_A_UTILITY' | 'OTHER_ZONE'

const rejectionSchema = z.looseObject({ rejection: z.enum(['NO_CONSENT', 'NOT_A_UTILITY', 'OTHER_ZONE']) })
const askedSchema = z.looseObject({ skill: z.string().max(128) })

export interface MessageFields {
  readonly role: Role
  readonly messageId: string
  readonly parts: readonly Part[]
  readonly taskId?: string
  readonly contextId?: string
}

export function message({ role, messageId, parts, taskId = '', contextId = '' }: MessageFields): Message {
  return { role, messageId, taskId, contextId, parts: [...parts], metadata: {}, extensions: [], referenceTaskIds: [] }
}

export function dataPart(value: Json): Part {
  return { content: { $case: 'data', value }, mediaType: JSON_MEDIA_TYPE, filename: '', metadata: {} }
}

export function textPart(value: string): Part {
  return { content: { $case: 'text', value }, mediaType: 'text/plain', filename: '', metadata: {} }
}

/** What the utility sends: A2A has no field for a skill, so a data part names it. */
export function askForSoc(messageId: string): SendMessageRequest {
  return {
    tenant: '',
    message: message({ role: Role.ROLE_USER, messageId, parts: [dataPart({ skill: SOC_SKILL })] }),
    configuration: {
      acceptedOutputModes: [JSON_MEDIA_TYPE],
      taskPushNotificationConfig: undefined,
      // The answer is all we want back; what we asked we know.
      historyLength: 0,
      returnImmediately: false,
    },
    metadata: undefined,
  }
}

/** The skill a message asks for; undefined when it names none. */
export function skillOf({ parts }: Message): string | undefined {
  return firstOf(parts, value => askedSchema.safeParse(value).data?.skill)
}

export function rejectionOf(parts: readonly Part[]): Rejection | undefined {
  return firstOf(parts, value => rejectionSchema.safeParse(value).data?.rejection)
}

/** The first data part that `read` makes something of. */
export function firstOf<T>(parts: readonly Part[], read: (data: unknown) => T | undefined): T | undefined {
  for (const { content } of parts) {
    const found = content?.$case === 'data' ? read(content.value) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

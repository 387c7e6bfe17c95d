import { SendMessageRequest } from '@a2a-js/sdk'
import { RequestMalformedError, UnsupportedOperationError } from '@a2a-js/sdk/errors'
import type { JsonObject } from '../../../kernel/outcome.ts'
import { SOC_SKILL, skillOf } from '../soc/task.ts'

const STREAMING: ReadonlySet<unknown> = new Set(['SendStreamingMessage', 'SubscribeToTask'])

/**
 * Why a JSON-RPC request goes no further; undefined when it may. What the SDK would take and this agent does not use
 * (tenants, references) ends here: each would be a name a stranger chooses and we remember or log.
 */
export function objectionTo({ method, params }: JsonObject): Error | undefined {
  if (STREAMING.has(method)) {
    return new UnsupportedOperationError('this agent does not stream; use SendMessage, its answer is complete')
  }
  // Other params that are no object are the SDK's to refuse.
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined
  if (params['tenant'] !== undefined && params['tenant'] !== '') {
    return new RequestMalformedError('this agent has no tenants; leave params.tenant out')
  }
  return method === 'SendMessage' ? objectionToMessage(SendMessageRequest.fromJSON(params)) : undefined
}

function objectionToMessage({ message }: SendMessageRequest): Error | undefined {
  if (message === undefined) return new RequestMalformedError('params.message is missing')
  if (message.referenceTaskIds.length > 0) {
    return new RequestMalformedError('this agent refers to no other tasks; leave referenceTaskIds out')
  }
  const skill = skillOf(message)
  if (skill === undefined) {
    return new RequestMalformedError(`which skill? send a data part such as {"skill":"${SOC_SKILL}"}`)
  }
  return skill === SOC_SKILL
    ? undefined
    : new UnsupportedOperationError(`unknown skill ${JSON.stringify(skill)}; this agent knows "${SOC_SKILL}"`)
}

import { A2A_VERSION_HEADER, AgentCard } from '@a2a-js/sdk'
import { RequestMalformedError } from '@a2a-js/sdk/errors'
import { DefaultRequestHandler, JsonRpcTransportHandler, ServerCallContext, validateVersion } from '@a2a-js/sdk/server'
import { codeOf, messageOf } from '../../../kernel/errors.ts'
import type { NewId, PeerId } from '../../../kernel/ids.ts'
import type { Log } from '../../../kernel/log.ts'
import type { Json, JsonObject } from '../../../kernel/outcome.ts'
import { CARD_PATH, RPC_PATH } from '../address.ts'
import { agentCard, type CardFields, RPC_BINDING } from '../card.ts'
import { type AnswerFrame, decodeRequest, encodeAnswer, type RequestFrame } from '../frame.ts'
import { JSON_MEDIA_TYPE } from '../soc/task.ts'
import { objectionTo } from './admission.ts'
import { createExecutor, type HouseholdView } from './executor.ts'
import { createBuses, createTaskStore } from './task-store.ts'

export interface AgentDeps extends CardFields {
  readonly household: Omit<HouseholdView, 'sharesSoc'>
  readonly now: () => number
  readonly newId: NewId
  readonly log: Log
}

export interface Agent {
  /** Never rejects: whatever comes, an answer frame goes back. `from` is whom the connection proved to be there. */
  answer(bytes: Uint8Array, from: PeerId): Promise<{ readonly bytes: Uint8Array; readonly status: number }>
}

/** JSON-RPC 2.0: the text was no JSON. */
const PARSE_ERROR = -32700

/** The official SDK's server, reached by frames instead of HTTP. */
export function createAgent(deps: AgentDeps): Agent {
  const card = agentCard(deps)
  const cardText = JSON.stringify(AgentCard.toJSON(card))
  const executor = createExecutor({ ...deps, household: { ...deps.household, sharesSoc: deps.sharesSoc } })
  const rpc = new JsonRpcTransportHandler(
    new DefaultRequestHandler(card, createTaskStore(deps.now), executor, createBuses()),
  )

  async function callRpc(request: JsonObject, requestedVersion: string | undefined, from: PeerId): Promise<object> {
    const context = new ServerCallContext({
      user: { isAuthenticated: true, userName: from },
      ...(requestedVersion === undefined ? {} : { requestedVersion }),
    })
    try {
      validateVersion(context.requestedVersion, card, RPC_BINDING)
      const objection = objectionTo(request)
      if (objection !== undefined) throw objection
      return await rpc.handle(request, context)
    } catch (error) {
      return rpcError(request['id'], JsonRpcTransportHandler.mapToJSONRPCError(error))
    }
  }

  async function answerRpc({ body, headers }: RequestFrame, from: PeerId): Promise<object> {
    const request = parsed(body)
    if (request === undefined) return rpcError(null, { code: PARSE_ERROR, message: 'the body is no JSON' })
    if (!isObject(request)) {
      const error = new RequestMalformedError('the body is no JSON-RPC request; batches are not answered')
      return rpcError(null, JsonRpcTransportHandler.mapToJSONRPCError(error))
    }
    return callRpc(request, headers[A2A_VERSION_HEADER.toLowerCase()], from)
  }

  async function answer(request: RequestFrame, from: PeerId): Promise<AnswerFrame> {
    const { method, path } = request
    if (path !== CARD_PATH && path !== RPC_PATH) return plain(404, `nothing at this path; the card is at ${CARD_PATH}`)
    const wanted = path === CARD_PATH ? 'GET' : 'POST'
    if (method !== wanted) return plain(405, `use ${wanted}`, { allow: wanted })
    if (path === CARD_PATH) return json(cardText)
    return json(JSON.stringify(await answerRpc(request, from)))
  }

  return {
    async answer(bytes, from) {
      const frame = await answered(bytes, request => answer(request, from))
      try {
        return { bytes: encodeAnswer(frame), status: frame.status }
      } catch {
        const tooMuch = plain(500, 'the answer is larger than a frame; ask for less (ListTasks: a smaller pageSize)')
        return { bytes: encodeAnswer(tooMuch), status: tooMuch.status }
      }
    },
  }
}

/** HTTP's statuses for what is wrong with a frame. */
async function answered(
  bytes: Uint8Array,
  answer: (request: RequestFrame) => Promise<AnswerFrame>,
): Promise<AnswerFrame> {
  let request: RequestFrame
  try {
    request = decodeRequest(bytes)
  } catch (error) {
    return plain(codeOf(error) === 'A2A_TOO_LARGE' ? 413 : 400, messageOf(error).slice(0, 500).toWellFormed())
  }
  return answer(request)
}

function json(body: string): AnswerFrame {
  return { status: 200, headers: { 'content-type': JSON_MEDIA_TYPE }, body }
}

function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): AnswerFrame {
  return { status, headers: { ...headers, 'content-type': 'text/plain' }, body }
}

function rpcError(id: Json | undefined, error: { code: number; message: string; data?: unknown }): object {
  return { jsonrpc: '2.0', id: typeof id === 'string' || typeof id === 'number' ? id : null, error }
}

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json
  } catch {
    return undefined
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

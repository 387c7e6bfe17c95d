import { z } from 'zod'
import { parseIsoDuration } from '../../../../kernel/slot.ts'
import { CLOCK_SKEW_MS } from '../../../../protocol/limits.ts'
import { ACTIONS, BODIES, type KnownAction, knownAction } from './actions.ts'
import { type Breach, breach, type Fields, isObject, shapeBreach, shown } from './breach.ts'
import { duration, instant, text, uri, uuid } from './core/formats.ts'

const VERSION = '2.0.0'
const ALWAYS = ['transactionId', 'messageId', 'timestamp'] as const

const did = text.regex(/^did:[a-z\d]+:\S+$/, 'a DID, like did:key:z6Mk…')

/** What is there must be well formed; what must be there depends on the action. */
const contextSchema = z.looseObject({
  transactionId: uuid,
  messageId: uuid,
  timestamp: instant,
  bapId: text.min(1).optional(),
  bapUri: uri.optional(),
  bppId: text.min(1).optional(),
  bppUri: uri.optional(),
  senderId: did.optional(),
  receiverId: did.optional(),
  networkId: text.optional(),
  domain: text.optional(),
  location: z
    .looseObject({
      city: z.looseObject({ code: text.optional() }).optional(),
      country: z.looseObject({ code: text.optional() }).optional(),
    })
    .optional(),
  key: text.optional(),
  try: z.boolean().optional(),
  ttl: duration.optional(),
  schemaContext: z.array(uri).optional(),
  requestDigest: z.looseObject({ digest: text.regex(/^BLAKE-512=[A-Za-z\d+/]+=*$/, 'BLAKE-512=<base64>') }).optional(),
})

export type Context = z.infer<typeof contextSchema>

/** Here and now. Without `nowMs` (Unix milliseconds) no message is late, without `networkId` none is astray. */
export interface Arrival {
  readonly nowMs?: number
  readonly networkId?: string
}

export interface Addressed {
  readonly action: KnownAction
  readonly context: Context
  readonly message: Fields
}

/** The context, and the message of its action as far as that is there. */
export function readAddress(value: Fields, at: Arrival): Addressed | Breach {
  const { context, message } = value
  if (context === undefined)
    return breach('CTX_MISSING_FIELD', ['context'], 'missing; a Beckn message is { context, message }')
  if (!isObject(context)) return breach('SCH_INVALID', ['context'], 'expected an object')
  const action = versionBreach(context) ?? actionOf(context)
  if (typeof action !== 'string') return action
  const wrong =
    networkBreach(context, at) ?? missingBreach(context, action) ?? shapeBreach(contextSchema, context, ['context'])
  if (wrong !== undefined) return wrong
  // Its shape has been checked in the line before.
  const read = context as Context
  const late = expiryBreach(read, at)
  if (late !== undefined) return late
  if (message === undefined)
    return breach('CTX_MISSING_FIELD', ['message'], 'missing; a Beckn message is { context, message }')
  if (!isObject(message)) return breach('SCH_INVALID', ['message'], 'expected an object')
  return { action, context: read, message }
}

function versionBreach({ version, core_version: before2 }: Fields): Breach | undefined {
  if (version === VERSION) return undefined
  const path = ['context', 'version']
  if (typeof before2 === 'string')
    return breach('CTX_VERSION_UNSUPPORTED', path, `a message of Beckn 1; expected ${VERSION}`)
  if (version === undefined) return breach('CTX_MISSING_FIELD', path, `missing; expected ${VERSION}`)
  return breach('CTX_VERSION_UNSUPPORTED', path, `expected ${VERSION}; found ${shown(version)}`)
}

function actionOf({ action }: Fields): KnownAction | Breach {
  const path = ['context', 'action']
  if (action === undefined) return breach('CTX_MISSING_FIELD', path, 'missing; expected an action, like select')
  if (typeof action !== 'string') return breach('SCH_INVALID', path, 'expected an action, like select')
  const known = knownAction(action)
  if (known !== undefined) return known
  const hint = action === 'search' || action === 'on_search' ? 'search is called discover since version 2' : 'unknown'
  return breach('CTX_ACTION_MISMATCH', path, `${hint}; expected one of ${Object.keys(ACTIONS).join(', ')}`)
}

function missingBreach(context: Fields, action: KnownAction): Breach | undefined {
  const { parties } = ACTIONS[action]
  // What is said to nobody in particular may name its sender alone.
  const named = parties.length === 1 && context['senderId'] !== undefined
  const missing = [...ALWAYS, ...(named ? [] : parties)].find(field => context[field] === undefined)
  return missing && breach('CTX_MISSING_FIELD', ['context', missing], `missing; ${action} needs it`)
}

function networkBreach({ networkId }: Fields, at: Arrival): Breach | undefined {
  if (at.networkId === undefined || networkId === at.networkId) return undefined
  const path = ['context', 'networkId']
  if (networkId === undefined) return breach('CTX_MISSING_FIELD', path, `missing; expected ${at.networkId}`)
  return breach('NET_NETWORK_MISMATCH', path, `expected ${at.networkId}; found ${shown(networkId)}`)
}

/** Clocks disagree by as much as the envelope's may. */
function expiryBreach({ timestamp, ttl }: Context, { nowMs }: Arrival): Breach | undefined {
  if (nowMs === undefined) return undefined
  const writtenMs = Date.parse(timestamp)
  if (writtenMs > nowMs + CLOCK_SKEW_MS) {
    const said = `written ${seconds(writtenMs - nowMs)} from now: one of the two clocks is wrong`
    return breach('CTX_TTL_EXPIRED', ['context', 'timestamp'], said)
  }
  const ttlMs = ttl === undefined ? undefined : parseIsoDuration(ttl)
  const pastMs = ttlMs === undefined ? 0 : nowMs - (writtenMs + ttlMs)
  if (pastMs <= CLOCK_SKEW_MS) return undefined
  return breach('CTX_TTL_EXPIRED', ['context', 'ttl'], `its time was over ${seconds(pastMs)} ago`)
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`

/** Whose message it is, if it is not the action's own. */
export function bodyBreach({ action, message }: Addressed): Breach | undefined {
  const { body } = ACTIONS[action]
  if (message[body] !== undefined) return undefined
  const other = Object.keys(message).find(key => BODIES.has(key))
  if (other === undefined) return breach('SCH_MISSING_FIELD', ['message', body], `missing; ${action} carries it`)
  const said = `${action} carries ${body}, and this message ${other}: it belongs to another action`
  return breach('CTX_ACTION_MISMATCH', ['message', other], said)
}

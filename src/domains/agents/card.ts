import { createHash } from 'node:crypto'
import { A2A_PROTOCOL_VERSION, AgentCard } from '@a2a-js/sdk'
import { z } from 'zod'
import { messageOf } from '../../kernel/errors.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { canonical } from '../../protocol/canonical.ts'
import { rpcUrl } from './address.ts'
import { a2aError } from './error.ts'
import { JSON_MEDIA_TYPE, SOC_SKILL } from './soc/task.ts'

export interface CardFields {
  readonly self: PeerId
  readonly name: string
  readonly version: string
  /** The household's consent: without it the card offers nothing, and nobody needs to ask. */
  readonly sharesSoc: boolean
}

/** How the SDK calls JSON-RPC among its transports. */
export const RPC_BINDING = 'JSONRPC'

export function agentCard({ self, name, version, sharesSoc }: CardFields): AgentCard {
  return {
    name,
    description: 'A peer of a wattmesh energy network. It answers the utility of its zone over libp2p streams.',
    version,
    supportedInterfaces: [
      { url: rpcUrl(self), protocolBinding: RPC_BINDING, tenant: '', protocolVersion: A2A_PROTOCOL_VERSION },
    ],
    provider: undefined,
    capabilities: { streaming: false, pushNotifications: false, extendedAgentCard: false, extensions: [] },
    // None: the connection itself proves who asks.
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: [JSON_MEDIA_TYPE],
    defaultOutputModes: [JSON_MEDIA_TYPE],
    skills: sharesSoc ? [socSkill()] : [],
    signatures: [],
  }
}

function socSkill(): AgentCard['skills'][number] {
  return {
    id: SOC_SKILL,
    name: 'State of charge',
    description:
      'What the battery holds at the end of the current delivery slot, as a time series of payload type SOC_END in kWh. ' +
      `Ask with a data part {"skill":"${SOC_SKILL}"}. For the utility of the zone only.`,
    tags: ['energy', 'battery', 'telemetry'],
    examples: [`{"skill":"${SOC_SKILL}"}`],
    inputModes: [JSON_MEDIA_TYPE],
    outputModes: [JSON_MEDIA_TYPE],
    securityRequirements: [],
  }
}

/** Somebody else's card, read. */
export interface KnownCard {
  readonly card: AgentCard
  /** SHA-256 of its canonical form: another hash is another card. */
  readonly hash: string
  readonly offersSoc: boolean
}

const cardSchema = z.looseObject({
  skills: z
    .array(z.looseObject({ id: z.string() }))
    .max(64)
    .optional(),
})

/**
 * What a peer serves as its card.
 * @throws A2A_BAD_CARD
 */
export function readCard(value: unknown): KnownCard {
  const parsed = cardSchema.safeParse(value)
  if (!parsed.success) throw a2aError('A2A_BAD_CARD', `no agent card: ${z.prettifyError(parsed.error)}`)
  try {
    return {
      card: AgentCard.fromJSON(parsed.data),
      hash: createHash('sha256').update(canonical(parsed.data)).digest('hex'),
      offersSoc: parsed.data.skills?.some(({ id }) => id === SOC_SKILL) ?? false,
    }
  } catch (error) {
    throw a2aError('A2A_BAD_CARD', `no agent card: ${messageOf(error)}`, { cause: error })
  }
}

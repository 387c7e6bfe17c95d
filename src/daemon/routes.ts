import type { Options } from '../config/options.ts'
import { CodedError } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { MessageType } from '../protocol/message-type.ts'
import { type TopicScope, topicFor } from '../protocol/topics.ts'
import type { AnyFact } from './commit.ts'

export type StreamHandler = (bytes: Uint8Array, from: PeerId) => Promise<Uint8Array>

/** Where a message goes; each domain adds its own, before the start. */
export interface Routes {
  /** The rows of the router. */
  readonly types: Map<string, MessageType<AnyFact>>
  readonly topics: Map<string, TopicScope>
  /** Streams that do not carry our envelopes, by name. */
  readonly streams: Map<string, StreamHandler>
}

/** @throws NODE_UNKNOWN_TOPIC */
export function topicNamed(name: string, topics: ReadonlyMap<string, TopicScope>, options: Options['network']): string {
  const scope = topics.get(name)
  if (scope === undefined) throw new CodedError('NODE_UNKNOWN_TOPIC', `no domain speaks on a topic called ${name}`)
  return topicFor(name, scope, placeOf(options))
}

/** The topics of a network and their names in the house. */
export function topicNames(topics: Routes['topics'], options: Options['network']): ReadonlyMap<string, string> {
  return new Map([...topics].map(([name, scope]) => [topicFor(name, scope, placeOf(options)), name]))
}

function placeOf({ name, zone }: Options['network']) {
  return { network: name, zone }
}

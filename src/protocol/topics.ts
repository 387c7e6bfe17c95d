/** Whom a topic concerns: everybody in the network, or in a zone (the grid area within which energy pays no extra fee). */
export type TopicScope = 'network' | 'zone'

/** The topics of a node by the names its domains give them; nothing else is allowed on its gossip. */
export type Topics = Readonly<Record<string, TopicScope>>

export function topicFor(name: string, scope: TopicScope, { network, zone }: Place): string {
  return scope === 'network' ? `/wattmesh/1/${network}/${name}` : `/wattmesh/1/${network}/${zone}/${name}`
}

interface Place {
  readonly network: string
  readonly zone: string
}

/** Streams carry the same envelopes as gossip, one framed request, one framed answer; or the frames of another protocol. */
export function streamProtocol(name: string): string {
  return `/wattmesh/${name}/1`
}

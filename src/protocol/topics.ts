import type { Carrier } from '../kernel/outcome.ts'

export type TopicName = Exclude<Carrier, 'stream'>

/** Adverts concern the whole network; trade concerns a zone (the grid area within which energy pays no extra fee). */
export function topicFor(name: TopicName, network: string, zone: string): string {
  return name === 'adverts' ? `/wattmesh/1/${network}/adverts` : `/wattmesh/1/${network}/${zone}/${name}`
}

/** The topics a peer of this zone subscribes to; nothing else is allowed on its gossip. */
export function topicsOf(network: string, zone: string): ReadonlyMap<string, TopicName> {
  const names: TopicName[] = ['adverts', 'catalog', 'orders', 'receipts']
  return new Map(names.map(name => [topicFor(name, network, zone), name]))
}

/** Streams carry the same envelopes as gossip, one framed request, one framed answer. */
export const STREAM_PROTOCOLS = {
  peers: '/wattmesh/peers/1',
  orders: '/wattmesh/orders/1',
  tasks: '/wattmesh/tasks/1',
  knowledge: '/wattmesh/knowledge/1',
} as const
/** Carries the frames of other agents' protocol, not our envelopes. */
export const A2A_PROTOCOL = '/wattmesh/a2a/1'
export type StreamName = keyof typeof STREAM_PROTOCOLS

/** Which stream a message type takes when it goes straight to a peer. */
export function streamFor(type: string): StreamName {
  if (type.startsWith('beckn.') || type.startsWith('settlement.')) return 'orders'
  if (type.startsWith('knowledge.')) return 'knowledge'
  return type.startsWith('task.') ? 'tasks' : 'peers'
}

/**
 * Whether a message for one peer goes straight where there is a connection, and only otherwise by its topic. An answer to
 * a search is no order yet: by the topic, a zone would carry every seller's answer to every search to every peer.
 */
export function goesStraightFirst(type: string): boolean {
  return type === 'beckn.on_discover'
}

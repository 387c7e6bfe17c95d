import { z } from 'zod'
import { commands, type Shape, schemaOf } from '../../daemon/command.ts'
import { jsonObject, nothing, peerId, timeMs } from '../../daemon/words.ts'
import type { KnownPeer } from './adverts.ts'

const count = z.int().min(0)

const knownPeer = schemaOf<KnownPeer>()(
  z.object({
    name: z.string(),
    roles: z.array(z.enum(['household', 'utility', 'compute', 'bootstrap'])),
    zone: z.string(),
    version: z.string(),
    kinds: z.array(z.string()).describe('Task kinds it works on, as `name@version`.'),
    slots: count.describe('Tasks it takes at a time.'),
    models: z.array(z.string()).exactOptional().describe('Fingerprints of the models it has opened.'),
    availability: z.enum(['open', 'limited', 'closed']).exactOptional().describe('How much it takes on now.'),
    priceClass: z.int().exactOptional().describe('From 0, free, to 9, dearest.'),
    sections: jsonObject.exactOptional().describe('What else its domains say of it.'),
    peer: peerId,
    saidMs: timeMs.describe('When it said so, Unix milliseconds.'),
    expiresMs: timeMs,
  }),
)

const connected = z.object({
  peer: peerId,
  addresses: z.array(z.string()),
  direction: z.enum(['inbound', 'outbound']).describe('`outbound`: this peer dialled.'),
  sinceMs: timeMs.describe('When the oldest connection opened, Unix milliseconds.'),
  relayed: z.boolean(),
  latencyMs: z.number().exactOptional().describe('Round trip, milliseconds.'),
  agent: z.string().exactOptional(),
})

export const peer = knownPeer
  .partial()
  .extend({ peer: peerId, connected: connected.optional().describe('Missing while it is not connected.') })
  .meta({ id: 'Peer', description: 'A peer that is known or connected, and what it says of itself.' })

/** Who is who. */
export const peersCommands = commands({
  peers: {
    route: 'GET /v1/peers',
    scope: 'read',
    says: 'Peers that are connected, or have said who they are.',
    input: nothing,
    output: z.array(peer),
  },
  connect: {
    route: 'POST /v1/peers/connect',
    scope: 'control',
    says: 'Connects to a peer, by its id or its address.',
    input: z.strictObject({ address: z.string().min(1).max(1024).describe('Peer id or multiaddr.') }),
    output: nothing,
  },
})

export type PeerAnswer = Shape<typeof peer>

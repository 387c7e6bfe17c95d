import { z } from 'zod'
import { flag, list, option, word } from '../../kernel/option.ts'

export const network = z.object({
  name: option(word.default('wattmesh'), 'The network to join; messages of another are refused.'),
  zone: option(word.default('zone-1'), 'The grid area you live in; trade inside a zone pays no grid fee.'),
  listen: option(list.default(['/ip4/0.0.0.0/tcp/4747']), 'Where other peers can dial this one.', 'multiaddr'),
  announce: option(list.default([]), 'Addresses to tell others besides the discovered ones.', 'multiaddr'),
  bootstrap: option(list.default([]), 'Peers to ask first when joining.', 'multiaddr'),
  mdns: option(flag(true), 'Find peers on the local network.'),
  mdnsServiceTag: option(z.string().default('_wattmesh._udp.local'), 'The name peers look for on the local network.'),
  dht: option(z.enum(['client', 'server', 'off']).default('server'), 'Take part in the distributed peer directory.'),
  maxConnections: option(
    z.int().min(4).max(1000).default(50),
    'Open connections at most; a home router bears about 50.',
    'connections',
  ),
  relayClient: option(flag(true), 'Be reachable through relays when nobody can dial you.'),
  relayServer: option(flag(false), 'Relay for peers who cannot be dialled.'),
  autonat: option(flag(true), 'Ask others whether they can dial you.'),
  dcutr: option(flag(true), 'Turn relayed connections into direct ones.'),
  upnp: option(flag(false), 'Ask the router to open a port.'),
  presharedKeyFile: option(z.string().optional(), 'A swarm.key file: only peers that hold it can connect.', 'path'),
  lossShare: option(
    z.number().min(0).max(0.9).default(0),
    'Share of arriving messages that are dropped (scenarios only).',
    '0–1',
  ),
  denyPeers: option(list.default([]), 'Peers never to talk to.', 'peer id'),
})

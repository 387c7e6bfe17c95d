import type { Client } from '../../api/client.ts'
import { type PeerAnswer, peersCommands } from '../../domains/peers/commands.ts'
import { CodedError } from '../../kernel/errors.ts'
import { isPeerId } from '../../kernel/ids.ts'
import { shortPeer } from '../terminal/units.ts'

export interface Parties {
  /** What a peer calls itself; one that is unknown by its id's last letters. */
  nameOf(peer: string): string
  /**
   * The peer a person means: by its whole id, its id's last letters as tables show them, or its name.
   *
   * @throws CLI_NO_PEER, CLI_AMBIGUOUS
   */
  meant(text: string): string
}

export async function openParties(client: Client): Promise<Parties> {
  return partiesOf(await client.of(peersCommands).peers())
}

export function partiesOf(peers: readonly Pick<PeerAnswer, 'peer' | 'name'>[]): Parties {
  const byId = new Map(peers.map(({ peer, name }) => [peer as string, name]))
  return {
    nameOf: peer => byId.get(peer) || shortPeer(peer),
    meant(text) {
      // A ledger may know a peer that is not heard of any more.
      if (isPeerId(text)) return text
      const tail = text.replace(/^…/, '')
      const named = peers.filter(({ name }) => name === text)
      const found = named.length > 0 ? named : peers.filter(({ peer }) => tail.length >= 4 && peer.endsWith(tail))
      const [one, ...others] = found
      if (one === undefined) {
        throw new CodedError('CLI_NO_PEER', `no peer here is called ${text}`, {
          hint: '"wattmesh peers" shows names and the last letters of ids; a whole peer id always does',
        })
      }
      if (others.length > 0) {
        throw new CodedError('CLI_AMBIGUOUS', `${found.length} peers are called ${text}`, {
          hint: 'give the last letters of its id, as "wattmesh peers" shows them',
        })
      }
      return one.peer
    },
  }
}

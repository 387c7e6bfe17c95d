import type { PeerId } from '../../kernel/ids.ts'
import { createDocuments } from '../../storage/documents.ts'
import { applyBy, type Db, type Kept, type StoreTools } from '../../storage/kept.ts'
import type { KnownPeer, PeerFact } from './adverts.ts'

/** A peer is forgotten when its advert has been out of date for so long. */
const KEPT_MS = 60 * 60_000

export interface PeersRead {
  peer(id: PeerId): KnownPeer | undefined
  peerCount(): number
  known(): KnownPeer[]
}

/** Who is who, as they have said themselves. */
export function peersStore(db: Db, { now }: StoreTools): Kept<PeerFact, PeersRead> {
  const peers = createDocuments<KnownPeer>(db, 'peer')
  return {
    apply: applyBy<PeerFact>({
      'peers.peer': ({ peer }) => peers.put({ key: peer.peer, rank: peer.expiresMs, body: peer }, now()),
    }),
    read: {
      peer: id => peers.get(id),
      peerCount: () => peers.count(),
      known: () => peers.all(),
    },
    forget(nowMs) {
      peers.pruneRanked(nowMs - KEPT_MS)
      return false
    },
  }
}

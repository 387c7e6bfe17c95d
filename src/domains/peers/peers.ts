import { z } from 'zod'
import { type Context, defineDomain, type Round } from '../../daemon/domain.ts'
import type { PeerChange, PeerView } from '../../kernel/connection.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Draft, JsonObject } from '../../kernel/outcome.ts'
import { ADVERT_TTL_MS, createAdverts, type KnownPeer, type PeerFact } from './adverts.ts'
import { peersCommands } from './commands.ts'
import { type PeersRead, peersStore } from './store.ts'

const options = z.object({
  name: z.string(),
  roles: z.array(z.string()),
  network: z.object({ zone: z.string() }),
})
type PeersContext = Context<z.output<typeof options>, PeersRead, PeerFact>

export interface PeersNeeds {
  readonly version: string
  /** What all domains say of this peer. */
  readonly advert: () => JsonObject
  readonly connected: () => readonly PeerView[]
  /** @throws NET_BAD_ADDRESS, NET_UNREACHABLE, NET_TIMEOUT */
  readonly connect: (address: string) => Promise<void>
  /** Sends once and keeps nothing. */
  readonly post: (draft: Draft) => void
}

/** Adverts promise nothing, and the first is often said before anybody listens: again so soon after the start. */
const EARLY_MS = [0, 2_000, 10_000, 60_000]
/** Nobody answers an advert, so who has just connected is told twice: one of the two arrives. */
const AGAIN_MS = 3_000

/** Who is who: signed, expiring adverts. */
export const peersDomain = defineDomain({
  name: 'peers',
  options,
  commands: peersCommands,
  topics: { adverts: 'network' },
  store: peersStore,
  open(context: PeersContext, needs: PeersNeeds) {
    const { self, store, now } = context
    const { name, roles, network } = context.options
    const adverts = createAdverts({ self, advert: needs.advert, now, store })
    const advertising = advertRound(context, () => needs.post(adverts.advertDraft()))
    const introducing = introductionRound(context, peer => needs.post(adverts.advertDraft(peer)))
    const zoneOf = (peer: PeerId): string => store.peer(peer)?.zone ?? network.zone
    /** Only what a peer says of itself now counts. */
    const current = (peer: PeerId): KnownPeer | undefined => {
      const found = store.peer(peer)
      return found !== undefined && found.expiresMs > now() ? found : undefined
    }

    return {
      run: {
        peers: () => rows(store.known(), needs.connected()),
        async connect({ address }) {
          await needs.connect(address)
          return {}
        },
      },
      messages: adverts.messages,
      rounds: [advertising.round, introducing.round],
      tells: {
        'peers.peer': ({ peer: { peer, name, roles, zone } }) => ({
          event: 'peer.heard',
          data: { peer, name, roles: [...roles], zone },
        }),
      },
      advert: () => ({ name, roles, zone: network.zone, version: needs.version, kinds: [] }),
      onPeer(change) {
        introducing.changed(change)
        return undefined
      },
      gives: {
        peer: store.peer,
        current,
        /** Everybody whose advert has not run out. */
        all: () => store.known().filter(({ expiresMs }) => expiresMs > now()),
        nameOf: (peer: PeerId) => store.peer(peer)?.name ?? '',
        /** Whether a topic of our zone reaches that peer; of who has not said where it lives, that is assumed. */
        inZone: (peer: PeerId) => zoneOf(peer) === network.zone,
        /** Whether that peer says it is a household or a utility. */
        trades: (peer: PeerId) => {
          const known = store.peer(peer)?.roles ?? []
          return known.includes('household') || known.includes('utility')
        },
        /** Connected peers that advertise this kind of work, as far as they have said. */
        connectedWith: (kind: string) =>
          needs.connected().flatMap(view => {
            const known = store.peer(view.peer)
            return known?.kinds.includes(kind) === true ? [{ ...view, known }] : []
          }),
        /** Of those the ones whose advert has not run out, as it says them. */
        workers: (kind: string) =>
          needs.connected().flatMap(({ peer, latencyMs }) => {
            const known = current(peer)
            return known?.kinds.includes(kind) === true ? [{ ...known, latencyMs }] : []
          }),
        count: () => store.known().length,
        /** Says anew who this peer is and what it offers. */
        advertise: advertising.soon,
      },
    }
  },
})

/** Says who this peer is: soon and often after the start, then at half of an advert's life, and whenever it changes. */
function advertRound({ clock, wake }: PeersContext, say: () => void) {
  const startedMs = clock.now()
  const early = EARLY_MS.map(ms => startedMs + ms)
  let nextMs = early[0] ?? startedMs
  const round: Round<never> = {
    name: 'advert',
    due: () => nextMs,
    async plan() {
      const now = clock.now()
      nextMs = early.find(ms => ms > now) ?? now + ADVERT_TTL_MS / 2
      say()
      return undefined
    },
  }
  return {
    round,
    soon() {
      nextMs = clock.now()
      wake()
    },
  }
}

/** Tells who has just connected who we are, twice. */
function introductionRound({ clock }: PeersContext, say: (peer: PeerId) => void) {
  const again = new Map<PeerId, number>()
  const round: Round<never> = {
    name: 'introduction',
    due: () => (again.size === 0 ? undefined : Math.min(...again.values())),
    async plan() {
      for (const [peer, atMs] of again) {
        if (atMs > clock.now()) continue
        again.delete(peer)
        say(peer)
      }
      return undefined
    },
  }
  return {
    round,
    changed({ peer, connected }: PeerChange) {
      if (!connected) return void again.delete(peer)
      say(peer)
      again.set(peer, clock.now() + AGAIN_MS)
    },
  }
}

function rows(known: readonly KnownPeer[], views: readonly PeerView[]) {
  const connected = new Map(views.map(view => [view.peer, view]))
  const said = new Map(known.map(peer => [peer.peer, peer]))
  return [...new Set([...connected.keys(), ...said.keys()])].map(peer => ({
    ...said.get(peer),
    peer,
    connected: connected.get(peer),
  }))
}

import { createInbox, type Inbox } from '../inbox/inbox.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Answer, Draft } from '../kernel/outcome.ts'
import type { Network } from '../network/network.ts'
import { type Courier, createCourier } from '../outbox/courier.ts'
import { createOutbox, type Outbox } from '../outbox/outbox.ts'
import { stamp } from '../outbox/wire.ts'
import { answerDraft } from '../protocol/answer.ts'
import { createOpener, type Open } from '../protocol/sealed.ts'
import { streamProtocol } from '../protocol/topics.ts'
import type { Storage } from '../storage/storage.ts'
import { type AnyCommit, type AnyFact, createCommit } from './commit.ts'
import { createLink, type Link, type LinkDeps, openNetwork } from './link.ts'
import { type Routes, topicNamed } from './routes.ts'

export interface RoadDeps extends LinkDeps {
  readonly storage: Storage
  /** Writes facts to the stores of their domains, inside the transaction. */
  readonly apply: (facts: readonly AnyFact[]) => void
  /** A decision has changed something, inside the transaction. */
  readonly changed: () => void
  /** Facts are on the disk. */
  readonly kept: (facts: readonly AnyFact[]) => void
}

export interface Road extends Routes {
  readonly commit: AnyCommit
  readonly outbox: Outbox<AnyFact>
  readonly inbox: Inbox
  /** @throws NODE_NOT_STARTED */
  network(): Network
  /** undefined: it has not been started. */
  readonly connections: Pick<Network, 'peers' | 'isConnected'>
  /** Asks one peer, straight and once; neither question nor answer is kept. */
  ask(peer: PeerId, draft: Draft, signal: AbortSignal): Promise<Answer>
  /** Sends frames of a protocol that is not ours. */
  request(peer: PeerId, stream: string, bytes: Uint8Array, how: Parameters<Network['request']>[3]): Promise<Uint8Array>
  readonly parts: readonly Part[]
}

/** bytes ── network ──▶ inbox ──▶ commit ──▶ outbox ──▶ network: everything a message passes, connected. */
export async function createRoad(deps: RoadDeps): Promise<Road> {
  const { options, identity, storage, clock, newId, metrics, log } = deps
  const own = { peerId: identity.peerId, network: options.name }
  const routes: Routes = { types: new Map(), topics: new Map(), streams: new Map() }
  const link = createLink()
  const open = await createOpener(identity)
  const commit = createCommit({
    write: storage.write,
    apply: deps.apply,
    keep: drafts => outbox.keep(drafts),
    memoryChanges: storage.memoryChanges,
    changed: deps.changed,
    wake: drafts => outbox.wake(drafts),
    kept: deps.kept,
    log,
  })
  const courier = courierOver(link, deps, routes, open)
  const outbox = outboxOf(deps, routes, { courier, commit })
  const inbox = createInbox<AnyFact>({
    receiver: own,
    types: routes.types,
    clock,
    open,
    journal: storage.messages,
    commit,
    metrics,
    reply: (asked, answer, how) => outbox.post(answerDraft(asked, answer, how)),
    log: log.child({ part: 'inbox' }),
  })

  return {
    commit,
    outbox,
    inbox,
    types: routes.types,
    topics: routes.topics,
    streams: routes.streams,
    network: link.network,
    connections: link,
    ask(peer, draft, signal) {
      const envelope = stamp({ ...draft, to: peer }, own, clock, newId)
      return courier.ask(peer, { envelope }, { sealed: draft.sealed === true, signal })
    },
    request: (peer, stream, bytes, how) => link.request(peer, streamProtocol(stream), bytes, how),
    parts: [
      { name: 'inbox', stop: () => inbox.idle() },
      {
        name: 'network',
        async start() {
          answersRows(routes, outbox)
          await link.start(await openNetwork(deps, routes, inbox))
        },
        stop: () => link.stop(),
      },
      outbox,
    ],
  }
}

function courierOver(
  link: Link,
  { options, identity, clock, metrics }: RoadDeps,
  { types, topics }: Routes,
  open: Open,
): Courier {
  return createCourier({
    identity,
    networkName: options.name,
    types,
    topic: name => topicNamed(name, topics, options),
    open,
    clock,
    network: link,
    isConnected: link.isConnected,
    metrics,
  })
}

function outboxOf(
  { options, identity, storage, clock, random, newId, log, metrics }: RoadDeps,
  { types }: Routes,
  { courier, commit }: { courier: Courier; commit: AnyCommit },
): Outbox<AnyFact> {
  return createOutbox<AnyFact>({
    identity,
    network: options.name,
    journal: storage.messages,
    courier,
    commit,
    types,
    clock,
    random,
    newId,
    log: log.child({ part: 'outbox' }),
    metrics,
  })
}

/** Who is asked on a topic answers on it, so acknowledgements travel by all of them. */
function answersRows({ types, topics }: Routes, outbox: Outbox<AnyFact>): void {
  for (const [name, row] of outbox.answers) types.set(name, { ...row, carriers: ['stream', ...topics.keys()] })
}

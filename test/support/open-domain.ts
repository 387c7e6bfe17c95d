import { createHash } from 'node:crypto'
import { loadConfig } from '../../src/config/config.ts'
import type { Commands } from '../../src/daemon/command.ts'
import { type AnyCommit, createCommit } from '../../src/daemon/commit.ts'
import { type ContextDeps, createContext, untilFound } from '../../src/daemon/context.ts'
import type { Context, Domain, Opened, OptionSections, Round, Row } from '../../src/daemon/domain.ts'
import { type Carried, carriedOf, createRegistry, type Registry } from '../../src/daemon/registry.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { NewId, PeerId } from '../../src/kernel/ids.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { createMarketClock, type MarketClock } from '../../src/kernel/market-clock.ts'
import { createMetrics, type Metrics } from '../../src/kernel/metrics.ts'
import type { Answer, Decided, Draft, FactOf, Outcome, Sealed } from '../../src/kernel/outcome.ts'
import { type Random, seededRandom } from '../../src/kernel/random.ts'
import { type Identity, identityFromSeed } from '../../src/protocol/keys.ts'
import type { Kept } from '../../src/storage/kept.ts'
import { openStorage, type Storage } from '../../src/storage/storage.ts'
import { fakeClock } from './fake-clock.ts'

/** What a test chooses of a peer; the rest is the same every time. */
export interface PeerChoices {
  /** Whose keys it has; each name has its own. */
  readonly name?: string
  /** By default it stands still. */
  readonly clock?: Clock
  /** By default the clock's, in slots of `market.slotMs`. */
  readonly market?: MarketClock
  readonly random?: Random
  /** By default numbered, and no other name's. */
  readonly newId?: NewId
  /** By their path, as on a command line: `{ 'compute.threads': 2 }`. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly log?: Log
  /** A former life's, with all it kept; by default a new one, in memory. */
  readonly storage?: Storage
}

/** A domain at work, without the road: its messages are handed over, and what it says is handed back, by the test. */
export interface OpenDomain<Fact extends { readonly kind: string }, Read, Asked extends Commands, Gives> {
  /** Its own store. */
  readonly read: Read
  /** Everything it was given of the daemon. */
  readonly context: Context<unknown, Read, Fact>
  readonly messages: ReadonlyMap<string, Row<Fact>>
  readonly rounds: readonly Round<Fact>[]
  readonly run: Opened<Fact, Asked, Gives>['run']
  readonly gives: Gives
  readonly opened: Opened<Fact, Asked, Gives>
  /** Keeps facts, at once; those of others, sealed, go to their domains. @throws TypeError of a domain that is not open */
  apply(facts: readonly (Fact | Sealed)[]): void
  /** Keeps what was decided, at once. @returns what it says and answers */
  keep(decided: Decided<Fact>): { readonly messages: readonly Draft[]; readonly answer: Answer }
  /** Forgets what is too old, as maintenance does. */
  forget(): void
}

/** Domains that share a database, keys and time, as those of one daemon do. */
export interface Peer {
  readonly identity: Identity
  readonly self: PeerId
  readonly clock: Clock
  readonly market: MarketClock
  readonly metrics: Metrics
  readonly storage: Storage
  readonly registry: Registry
  readonly commit: AnyCommit
  /** What commits have put on the way, the oldest first; what `apply` and `keep` are given is not in it. */
  readonly sent: Draft[]
  /** How often a domain has said that something outside of the database has changed. */
  wakes(): number
  /** Called in each commit that changes something. @returns what ends that */
  onChanged(listener: () => void): () => void
  /** Opens a domain beside the others. */
  add: Add<'later'>
  /** The same, of a domain that opens at once. @throws TypeError of one that does not */
  addNow: Add<'now'>
  /** Closes the database; what the domains still wait for is called off. */
  close(): void
  [Symbol.dispose](): void
}

type Add<When extends 'now' | 'later'> = <
  Name extends string,
  Options extends OptionSections,
  Fact extends FactOf<Name>,
  Read,
  Asked extends Commands,
  Needs,
  Gives,
>(
  domain: Domain<Name, Options, Fact, Read, Asked, Needs, Gives>,
  needs: Needs,
) => When extends 'now' ? OpenDomain<Fact, Read, Asked, Gives> : Promise<OpenDomain<Fact, Read, Asked, Gives>>

export const seedNamed = (name: string): Buffer => createHash('sha256').update(name).digest()

/** UUIDs that count, apart from those of other names. */
export function numberedIds(name: string): NewId {
  const head = seedNamed(name).toString('hex', 0, 4)
  let last = 0
  return () => `${head}-0000-4000-8000-${String(++last).padStart(12, '0')}`
}

/** What a domain has kept in a database, with the options it has by default. */
export function openStoreOf<Options extends OptionSections, Fact extends FactOf<string>, Read>(
  domain: Pick<
    Domain<string, Options, Fact, Read, Commands, never, unknown>,
    'name' | 'migrations' | 'options' | 'store'
  >,
  storage: Storage,
  options = domain.options.parse(loadConfig('/nowhere', {}).options) as never,
): Kept<Fact, Read> {
  return storage.open({
    name: domain.name,
    migrations: domain.migrations ?? [],
    store: (db, tools) => domain.store(db, tools, options),
  })
}

/** Opens one domain, on SQLite in memory, with what the daemon would give it. */
export async function openDomain<
  Name extends string,
  Options extends OptionSections,
  Fact extends FactOf<Name>,
  Read,
  Asked extends Commands,
  Needs,
  Gives,
>(
  domain: Domain<Name, Options, Fact, Read, Asked, Needs, Gives>,
  needs: Needs,
  choices: PeerChoices = {},
): Promise<OpenDomain<Fact, Read, Asked, Gives> & { readonly peer: Peer }> {
  const peer = openPeer(choices)
  return { ...(await peer.add(domain, needs)), peer }
}

/** A peer without domains yet: the daemon's own registry, commit and contexts over SQLite in memory. */
export function openPeer(choices: PeerChoices = {}): Peer {
  const { name = 'somebody', clock = fakeClock(), random = seededRandom(1), log = silentLog } = choices
  const { newId = numberedIds(name), options: flags = {} } = choices
  const { options } = loadConfig('/nowhere', {}, flags)
  const { market = createMarketClock({ clock, ...options.market }) } = choices
  const metrics = createMetrics()
  const storage = choices.storage ?? openStorage(':memory:', { clock, metrics })
  const registry = createRegistry()
  const sent: Draft[] = []
  const stopping = new AbortController()
  let wakes = 0
  const listeners = new Set<() => void>()
  const commit = createCommit({
    write: storage.write,
    apply: registry.apply,
    keep: () => undefined,
    memoryChanges: storage.memoryChanges,
    changed() {
      for (const listener of listeners) listener()
    },
    wake: drafts => void sent.push(...drafts),
    kept: () => undefined,
    log,
  })
  const identity = identityFromSeed(seedNamed(name))
  const forAll: ContextDeps = {
    identity,
    clock,
    market,
    random,
    newId,
    log,
    metrics,
    commit,
    until: (look, signal) => untilFound(storage, look, signal),
    wake: () => void wakes++,
    signal: stopping.signal,
  }

  function prepare<
    Name extends string,
    Options extends OptionSections,
    Fact extends FactOf<Name>,
    Read,
    Asked extends Commands,
    Needs,
    Gives,
  >(domain: Domain<Name, Options, Fact, Read, Asked, Needs, Gives>) {
    const own = domain.options.parse(options) as never
    const kept = openStoreOf(domain, storage, own)
    registry.keep(domain.name, kept.apply as Carried['apply'])
    const context = createContext<never, Read, Fact>(forAll, { name: domain.name, options: own, read: kept.read })
    return {
      context,
      opened(opened: Opened<Fact, Asked, Gives>): OpenDomain<Fact, Read, Asked, Gives> {
        registry.add(carriedOf(domain, opened, kept))
        return openDomainOf(opened, { context, kept, registry })
      },
    }
  }

  return {
    identity,
    self: identity.peerId,
    clock,
    market,
    metrics,
    storage,
    registry,
    commit,
    sent,
    wakes: () => wakes,
    onChanged(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async add(domain, needs) {
      const { context, opened } = prepare(domain)
      return opened(await domain.open(context, needs))
    },
    addNow(domain, needs) {
      const { context, opened } = prepare(domain)
      const result = domain.open(context, needs)
      if (result instanceof Promise) throw new TypeError(`${domain.name} does not open at once`)
      return opened(result)
    },
    close,
    [Symbol.dispose]: close,
  }

  function close(): void {
    stopping.abort()
    storage.stop()
  }
}

interface Beneath<Fact, Read> {
  readonly context: Context<unknown, Read, Fact>
  readonly kept: Kept<Fact, Read>
  readonly registry: Registry
}

function openDomainOf<Fact extends { readonly kind: string }, Read, Asked extends Commands, Gives>(
  opened: Opened<Fact, Asked, Gives>,
  { context, kept, registry }: Beneath<Fact, Read>,
): OpenDomain<Fact, Read, Asked, Gives> {
  const apply = (facts: readonly (Fact | Sealed)[]): void => registry.apply(facts as Outcome<Fact>['facts'])
  return {
    read: kept.read,
    context,
    messages: opened.messages ?? new Map(),
    rounds: opened.rounds ?? [],
    run: opened.run,
    gives: opened.gives,
    opened,
    apply,
    keep({ facts, messages, answer }) {
      apply(facts)
      return { messages, answer }
    },
    forget() {
      while (kept.forget?.(context.now(), 1_000) === true);
    },
  }
}

import type { PeerChange } from '../kernel/connection.ts'
import { CodedError } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Json, JsonObject, Outcome } from '../kernel/outcome.ts'
import type { MessageType } from '../protocol/message-type.ts'
import type { Topics } from '../protocol/topics.ts'
import type { Kept } from '../storage/kept.ts'
import type { Commands } from './command.ts'
import type { AnyFact } from './commit.ts'
import type { Domain, Opened, OptionSections, Round, Told } from './domain.ts'
import type { KindModule } from './kind.ts'
import type { Served } from './served.ts'

/** A domain as the daemon carries it: its types are known only to itself. */
export interface Carried extends Served {
  readonly topics: Topics
  readonly kinds: KindModule | undefined
  readonly apply: (fact: AnyFact) => void
  readonly forget: ((nowMs: number, atMost: number) => boolean) | undefined
  readonly messages: ReadonlyMap<string, MessageType<AnyFact>>
  readonly streams: Readonly<Record<string, (bytes: Uint8Array, from: PeerId) => Promise<Uint8Array>>>
  readonly rounds: readonly Round<never>[]
  readonly tell: (fact: AnyFact) => Told | undefined
  readonly advert: () => JsonObject
  readonly recover: (() => Outcome<AnyFact>) | undefined
  readonly onPeer: (change: PeerChange) => (() => Outcome<AnyFact>) | undefined
  readonly parts: readonly Part[]
}

/** An open domain, its types forgotten: from here on its facts find their way by their kind alone. */
export function carriedOf<Fact extends AnyFact, Read, Asked extends Commands, Gives>(
  domain: Pick<
    Domain<string, OptionSections, never, Read, Asked, never, Gives>,
    'name' | 'commands' | 'topics' | 'kinds'
  >,
  opened: Opened<Fact, Asked, Gives>,
  kept: Kept<Fact, Read>,
): Carried {
  const tells = (opened.tells ?? {}) as Readonly<Record<string, ((fact: AnyFact) => Told | undefined) | undefined>>
  return {
    name: domain.name,
    commands: domain.commands,
    run: opened.run,
    topics: domain.topics ?? {},
    kinds: domain.kinds,
    apply: kept.apply as Carried['apply'],
    forget: kept.forget,
    messages: (opened.messages ?? new Map()) as Carried['messages'],
    streams: opened.streams ?? {},
    rounds: (opened.rounds ?? []) as Carried['rounds'],
    tell: fact => tells[fact.kind]?.(fact),
    advert: opened.advert ?? (() => ({})),
    recover: opened.recover as Carried['recover'],
    onPeer: (opened.onPeer ?? (() => undefined)) as Carried['onPeer'],
    parts: opened.parts ?? [],
  }
}

/** The domains of a daemon, by name. */
export interface Registry {
  /** Facts of a domain find their store from here on. @throws NODE_DOMAIN_TWICE */
  keep(name: string, apply: Carried['apply']): void
  add(domain: Carried): void
  all(): readonly Carried[]
  /** Writes facts to the store of the domain their kind begins with. */
  apply(facts: readonly AnyFact[]): void
  told(fact: AnyFact): ({ readonly domain: string } & Told) | undefined
  /** The fields of all domains, lists of one name joined. */
  advert(): JsonObject
}

export function createRegistry(): Registry {
  const stores = new Map<string, Carried['apply']>()
  const domains = new Map<string, Carried>()

  const ownerOf = ({ kind }: AnyFact): string => kind.slice(0, kind.indexOf('.'))

  function advert(): JsonObject {
    const fields: JsonObject = {}
    for (const { name, advert: section } of domains.values()) {
      for (const [key, value] of Object.entries(section())) fields[key] = joined(name, key, fields[key], value)
    }
    return fields
  }

  return {
    keep(name, apply) {
      if (stores.has(name)) throw new CodedError('NODE_DOMAIN_TWICE', `there is a domain called "${name}" already`)
      stores.set(name, apply)
    },
    add: domain => void domains.set(domain.name, domain),
    all: () => [...domains.values()],
    apply(facts) {
      for (const fact of facts) {
        const apply = stores.get(ownerOf(fact))
        if (apply === undefined) throw new TypeError(`no domain keeps facts of the kind ${fact.kind}`)
        apply(fact)
      }
    },
    told(fact) {
      const domain = domains.get(ownerOf(fact))
      const told = domain?.tell(fact)
      return domain === undefined || told === undefined ? undefined : { domain: domain.name, ...told }
    },
    advert,
  }
}

function joined(domain: string, key: string, before: Json | undefined, value: Json): Json {
  if (before === undefined) return value
  if (Array.isArray(before) && Array.isArray(value)) return [...before, ...value]
  throw new TypeError(`two domains advertise "${key}"; ${domain} came second`)
}

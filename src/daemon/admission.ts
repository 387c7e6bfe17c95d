import type { Config } from '../config/config.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { FactOf } from '../kernel/outcome.ts'
import type { Storage } from '../storage/storage.ts'
import type { Commands } from './command.ts'
import { type ContextDeps, createContext } from './context.ts'
import type { Domain, OptionSections } from './domain.ts'
import type { KindModule, KindTable } from './kind.ts'
import { type Carried, carriedOf, type Registry } from './registry.ts'
import type { Road } from './road.ts'
import type { Served } from './served.ts'
import type { Ticker } from './ticker.ts'

/** What domains bring beside what they do themselves: filled as they are added. */
export interface Brought {
  readonly served: Served[]
  readonly parts: Part[]
  readonly kinds: Record<string, KindTable[string]>
  readonly kindModules: KindModule[]
}

export interface AdmissionDeps {
  readonly options: Config['options']
  readonly storage: Pick<Storage, 'open'>
  readonly registry: Registry
  readonly road: Road
  readonly ticker: Pick<Ticker, 'add'>
  readonly forAll: ContextDeps
}

/** Opens a domain and lets it take part. @returns what it gives to others */
export type Add = <
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
) => Promise<Gives>

export function createAdd({ options: all, storage, registry, road, ticker, forAll }: AdmissionDeps, to: Brought): Add {
  return async (domain, needs) => {
    const options = domain.options.parse(all)
    const kept = storage.open({
      name: domain.name,
      migrations: domain.migrations ?? [],
      store: (db, tools) => domain.store(db, tools, options as never),
    })
    registry.keep(domain.name, kept.apply as Carried['apply'])
    const context = createContext(forAll, { name: domain.name, options: options as never, read: kept.read })
    const opened = await domain.open(context, needs)
    const carried = carriedOf(domain, opened, kept)
    registry.add(carried)
    bring(carried, to)
    connect(carried, road)
    for (const round of carried.rounds) ticker.add(domain.name, round)
    return opened.gives
  }
}

function bring(carried: Carried, { served, parts, kinds, kindModules }: Brought): void {
  served.push(carried)
  parts.push(...carried.parts)
  if (carried.kinds === undefined) return
  Object.assign(kinds, carried.kinds.kinds)
  kindModules.push(carried.kinds)
}

function connect({ topics, messages, streams }: Carried, road: Road): void {
  for (const [name, scope] of Object.entries(topics)) road.topics.set(name, scope)
  for (const [type, row] of messages) road.types.set(type, row)
  for (const [name, handle] of Object.entries(streams)) road.streams.set(name, handle)
}

import type { z } from 'zod'
import type { Clock } from '../kernel/clock.ts'
import type { PeerChange } from '../kernel/connection.ts'
import { CodedError } from '../kernel/errors.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { MarketClock } from '../kernel/market-clock.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Decided, FactOf, JsonObject, Sealed, Turn } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { MessageType } from '../protocol/message-type.ts'
import type { Topics } from '../protocol/topics.ts'
import type { Db, Kept, StoreTools } from '../storage/kept.ts'
import type { Commands, Runs } from './command.ts'
import type { KindModule } from './kind.ts'

/** Options of a domain, by the sections of the configuration in which they stand. */
export type OptionSections = z.ZodObject

/**
 * A domain: one folder and one line in `node.ts`. What it says on the wire, what it keeps, what a person may ask of it,
 * what time brings, what it tells the world. Its functions decide and return an outcome; the daemon carries it.
 */
export interface Domain<
  Name extends string,
  Options extends OptionSections,
  Fact extends FactOf<Name>,
  Read,
  Asked extends Commands,
  Needs,
  Gives,
> {
  /** What its facts, commands, metrics and log lines are called by. */
  readonly name: Name
  readonly options: Options
  /** Of its tables; see `StoreMaker`. */
  readonly migrations?: readonly string[]
  /** Data: known without an open node. */
  readonly commands: Asked
  /** The topics it speaks on, each for the whole network or for the zone. */
  readonly topics?: Topics
  /** Work that strangers' machines may do. */
  readonly kinds?: KindModule
  store(db: Db, tools: StoreTools, options: z.output<Options>): Kept<Fact, Read>
  open(
    context: Context<z.output<Options>, Read, Fact>,
    needs: Needs,
  ): Opened<Fact, Asked, Gives> | Promise<Opened<Fact, Asked, Gives>>
}

/** A row of the router; its facts may be those of others, sealed. */
export type Row<Fact> = MessageType<Fact | Sealed>

/** What time brings. */
export interface Round<Fact> {
  readonly name: string
  /**
   * When there is something to do next, in wall-clock time; undefined: nothing. What is due already says 0 or the moment
   * it has been due since, never the clock's now: a turn that changed nothing rests until a later moment. Cheap: it is
   * read again after every write that has changed something, a fact, a message or memory of the store's, so that nothing
   * is missed between a look and its commit. Who goes by anything else says `wake` when that has changed.
   */
  due(): number | undefined
  /** Slow thinking, outside of any transaction; what it found is in the turn it returns. undefined: nothing follows. */
  plan?(signal: AbortSignal): Promise<Turn<Fact> | undefined>
  /** Without a plan: what follows, decided inside the transaction. */
  turn?: Turn<Fact>
}

/** What a domain tells observers about a fact of its own. */
export interface Told {
  /** In the past tense: `trade.agreed`. */
  readonly event: string
  readonly data: JsonObject
}

export type Tells<Fact extends { readonly kind: string }> = {
  readonly [Kind in Fact['kind']]?: (fact: Extract<Fact, { kind: Kind }>) => Told | undefined
}

/** A domain at work. */
export interface Opened<Fact extends { readonly kind: string }, Asked extends Commands, Gives> {
  readonly run: Runs<Asked>
  readonly messages?: ReadonlyMap<string, Row<Fact>>
  /** Streams of protocols that are not ours, by name: frames in, frames out. */
  readonly streams?: Readonly<Record<string, (bytes: Uint8Array, from: PeerId) => Promise<Uint8Array>>>
  readonly rounds?: readonly Round<Fact>[]
  readonly tells?: Tells<Fact>
  /** Its fields of this peer's advert; lists of one name are joined. Read anew for each advert. */
  readonly advert?: () => JsonObject
  /** What a start after a stop or a crash changes, before anybody is heard. */
  readonly recover?: Turn<Fact>
  /** A connection came or went. */
  readonly onPeer?: (change: PeerChange) => Turn<Fact> | undefined
  /** What owns time or sockets. */
  readonly parts?: readonly Part[]
  /** Small functions that `node.ts` may hand to others. */
  readonly gives: Gives
}

/** What a domain is given of the daemon. */
export interface Context<Options, Read, Fact> {
  readonly self: PeerId
  readonly options: Options
  /** What it keeps. */
  readonly store: Read
  /** Aborted when the daemon stops. */
  readonly signal: AbortSignal
  /** The wall's: signatures and time-outs. */
  readonly clock: Clock
  /** Market time: delivery slots. */
  readonly market: MarketClock
  readonly random: Random
  readonly newId: NewId
  readonly log: Log
  readonly metrics: Metrics
  now(): number
  sign(text: string): string
  verify(peer: PeerId, text: string, signature: string): boolean
  /**
   * Keeps what is decided, in one transaction; resolves when it is on the disk. @throws CodedError what was refused
   */
  commit<Outcome extends Decided<Fact>>(decide: () => Outcome): Promise<Outcome>
  /** A fact of one's own, for others to keep together with theirs. */
  seal(fact: Fact): Sealed
  /** What `look` finds, as soon as it finds something; it looks again after each group of writes. @throws the signal's reason */
  until<T>(look: () => T | undefined, signal: AbortSignal): Promise<T>
  /** Something outside of the database has changed that a round may be waiting for. */
  wake(): void
}

/** Infers every parameter, so that an author repeats none. */
export function defineDomain<
  const Name extends string,
  Options extends OptionSections,
  Fact extends FactOf<Name>,
  Read,
  const Asked extends Commands,
  Needs,
  Gives,
>(
  domain: Domain<Name, Options, Fact, Read, Asked, Needs, Gives>,
): Domain<Name, Options, Fact, Read, Asked, Needs, Gives> {
  return domain
}

/** What was asked for by its id. @throws API_NOT_FOUND */
export function found<Thing>(what: string, id: string, thing: Thing | undefined): Thing {
  if (thing === undefined) throw new CodedError('API_NOT_FOUND', `no ${what} ${id} here`)
  return thing
}

import type { Options } from '../config/options.ts'
import { type A2a, createA2a } from '../domains/agents/a2a.ts'
import { roundTiming } from '../domains/agents/utility/collector.ts'
import type { KnownPeer } from '../domains/peers/peers.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { NewId, PeerId } from '../kernel/ids.ts'
import type { Part } from '../kernel/lifecycle.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Commit } from '../kernel/outcome.ts'
import type { Random } from '../kernel/random.ts'
import type { Network } from '../network/network.ts'
import { A2A_PROTOCOL } from '../protocol/topics.ts'
import type { Fact } from '../storage/facts.ts'
import type { Storage } from '../storage/storage.ts'

export interface AgentsDeps {
  readonly self: PeerId
  readonly version: string
  readonly options: Options
  readonly storage: Storage
  readonly network: () => Network
  readonly commit: Commit<Fact>
  readonly clock: Clock
  readonly marketClock: Clock
  readonly random: Random
  readonly newId: NewId
  readonly log: Log
  readonly metrics: Metrics
}

/** What other agents may ask of this peer, and, at a utility, the rounds in which it asks them. */
export interface Agents extends Part {
  readonly answer: A2a['answer']
}

export function createAgents(deps: AgentsDeps): Agents {
  const { self, options, storage, commit, clock, marketClock, log } = deps
  const { zone } = options.network
  const { shareSoc, utilities } = options.household
  const isHousehold = options.roles.includes('household')
  const { slotMs } = options.market
  const speed = options.market.originMs === 0 ? 1 : options.market.speed
  const periodMs = (options.utility.socMinutes * 60_000) / speed
  const collects = options.roles.includes('utility') && options.utility.collectSoc
  let stopping: AbortController | undefined

  /** Only what a peer says of itself now counts. */
  const known = (peer: PeerId): KnownPeer | undefined => {
    const found = storage.peers.peer(peer)
    return found !== undefined && found.expiresMs > clock.now() ? found : undefined
  }
  const a2a = createA2a({
    self,
    name: options.name || self.slice(-6),
    version: deps.version,
    household: {
      sharesSoc: isHousehold && shareSoc && utilities.length > 0,
      sharesWith: peer => utilities.includes(peer),
      isUtility: peer => known(peer)?.roles.includes('utility') === true,
      inZone: peer => known(peer)?.zone === zone,
      stateOfCharge() {
        const household = storage.energy.household()
        if (household === undefined) return undefined
        return { socWh: household.socWh, slot: { startMs: (household.nextSlot - 1) * slotMs, durationMs: slotMs } }
      },
    },
    send: (peer, bytes, how) => deps.network().request(peer, A2A_PROTOCOL, bytes, how),
    timing: roundTiming(periodMs),
    store: storage.soc,
    currentSlot: () => ({ startMs: Math.floor(marketClock.now() / slotMs) * slotMs, durationMs: slotMs }),
    clock,
    random: deps.random,
    newId: deps.newId,
    log,
    metrics: deps.metrics,
  })

  async function collect(signal: AbortSignal): Promise<void> {
    const households = storage.peers
      .known()
      .filter(peer => peer.peer !== self && peer.zone === zone && peer.roles.includes('household'))
      .filter(peer => peer.expiresMs > clock.now())
    if (households.length === 0) return
    try {
      const round = await a2a.round(
        households.map(({ peer }) => peer),
        signal,
      )
      // A round that was broken off was silenced by us.
      if (!signal.aborted) await commit(() => a2a.roundOutcome(round))
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'a round of states of charge failed; the next one tries again')
    }
  }

  /** At each multiple of the period, however long a round took. */
  async function every(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(periodMs - (clock.now() % periodMs), signal)
      if (!signal.aborted) await collect(signal)
    }
  }

  return {
    name: 'agents',
    answer: a2a.answer,
    start() {
      if (isHousehold && shareSoc && utilities.length === 0)
        log.warn({}, 'nobody is told the state of charge: household.shareSoc is on, household.utilities names nobody')
      if (!collects) return
      stopping = new AbortController()
      const { signal } = stopping
      void every(signal)
    },
    stop: () => stopping?.abort(),
  }
}

import { z } from 'zod'
import { type Context, defineDomain, type Round } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import { numberedSlot } from '../../kernel/slot.ts'
import { type A2a, createA2a } from './a2a.ts'
import type { SendRequest } from './carrier.ts'
import { agentsCommands } from './commands.ts'
import { agentsOptions } from './options.ts'
import type { SocFact } from './soc/round.ts'
import { socView } from './soc/view.ts'
import { type AgentsRead, agentsStore } from './store.ts'
import { roundTiming } from './utility/collector.ts'

const options = agentsOptions.extend({
  name: z.string(),
  roles: z.array(z.string()),
  network: z.object({ zone: z.string() }),
  household: agentsOptions.shape.household.unwrap().extend({ utilities: z.array(z.string()) }),
})
type AgentsContext = Context<z.output<typeof options>, AgentsRead, SocFact>

/** The stream that carries Agent2Agent. */
export const A2A_STREAM = 'a2a'

export interface AgentsNeeds {
  readonly version: string
  /** What a peer says of itself now; undefined: nothing, or it has run out. */
  readonly peer: (peer: PeerId) => AgentPeer | undefined
  readonly peers: () => readonly AgentPeer[]
  readonly nameOf: (peer: PeerId) => string
  /** The household's state of charge, and the first slot not settled yet. */
  readonly household: () => { readonly socWh: number; readonly nextSlot: number } | undefined
  /** Sends frames of another protocol, and brings the answer. */
  readonly request: (
    peer: PeerId,
    stream: string,
    bytes: Uint8Array,
    how: Parameters<SendRequest>[2],
  ) => Promise<Uint8Array>
}

interface AgentPeer {
  readonly peer: PeerId
  readonly roles: readonly string[]
  readonly zone: string
}

/** Of all households together; the newest. */
const MOST_READINGS = 20_000

/** What other agents may ask of this peer, and, at a utility, the rounds in which it asks them. */
export const agentsDomain = defineDomain({
  name: 'agents',
  options,
  commands: agentsCommands,
  store: agentsStore,
  open(context: AgentsContext, needs: AgentsNeeds) {
    const { store, log, options: own } = context
    const { shareSoc, utilities } = own.household
    const isHousehold = own.roles.includes('household')
    const collects = own.roles.includes('utility') && own.utility.collectSoc
    const a2a = openA2a(context, needs)
    if (isHousehold && shareSoc && utilities.length === 0)
      log.warn({}, 'nobody is told the state of charge: household.shareSoc is on, household.utilities names nobody')

    return {
      run: { soc: () => soc(context, needs) },
      streams: { [A2A_STREAM]: a2a.answer },
      rounds: collects ? [collectingRound(context, needs, a2a)] : [],
      tells: {
        'agents.soc.round': ({ round: { startedMs, asked, answered } }) => ({
          event: 'soc.collected',
          data: { startedMs, asked, answered },
        }),
      },
      gives: { readings: store.readings, rounds: store.rounds, refusals: store.refusals },
    }
  },
})

function openA2a(context: AgentsContext, needs: AgentsNeeds): A2a {
  const { self, store, market, options: own } = context
  const { shareSoc, utilities } = own.household
  return createA2a({
    self,
    name: own.name || self.slice(-6),
    version: needs.version,
    household: {
      sharesSoc: own.roles.includes('household') && shareSoc && utilities.length > 0,
      sharesWith: peer => utilities.includes(peer),
      isUtility: peer => needs.peer(peer)?.roles.includes('utility') === true,
      inZone: peer => needs.peer(peer)?.zone === own.network.zone,
      stateOfCharge() {
        const household = needs.household()
        if (household === undefined) return undefined
        return { socWh: household.socWh, slot: numberedSlot(household.nextSlot - 1, market.slotMs) }
      },
    },
    send: (peer, bytes, how) => needs.request(peer, A2A_STREAM, bytes, how),
    timing: roundTiming(periodMs(context)),
    store,
    currentSlot: () => market.slot(),
    clock: context.clock,
    random: context.random,
    newId: context.newId,
    log: context.log,
    metrics: context.metrics,
  })
}

/** Real time between two rounds. */
function periodMs({ market, options: { utility } }: AgentsContext): number {
  return market.wallDurationMs(utility.socMinutes * 60_000)
}

/** At each multiple of the period, however long a round took. */
function collectingRound(context: AgentsContext, needs: AgentsNeeds, a2a: A2a): Round<SocFact> {
  const { self, clock, options: own } = context
  const everyMs = periodMs(context)
  const next = (): number => clock.now() + everyMs - (clock.now() % everyMs)
  let nextMs = next()
  return {
    name: 'soc',
    due: () => nextMs,
    async plan(signal) {
      nextMs = next()
      const households = needs
        .peers()
        .filter(({ peer, zone, roles }) => peer !== self && zone === own.network.zone && roles.includes('household'))
      if (households.length === 0) return undefined
      const round = await a2a.round(
        households.map(({ peer }) => peer),
        signal,
      )
      return () => a2a.roundOutcome(round)
    },
  }
}

/** What the households told the utility; newest rounds last. */
function soc({ store, now }: AgentsContext, { nameOf }: AgentsNeeds) {
  const told = store.readings(MOST_READINGS)
  const history = { readings: told, rounds: store.rounds(), refusals: store.refusals() }
  const households = [...Map.groupBy(told, ({ peer }) => peer)].map(([peer, readings]) => {
    const points = readings.toSorted((a, b) => a.atMs - b.atMs).map(({ atMs, socWh }) => ({ atMs, socWh }))
    const { atMs = 0, socWh = 0 } = points.at(-1) ?? {}
    return { peer, name: nameOf(peer), socWh, atMs, points }
  })
  return {
    rounds: history.rounds.toSorted((a, b) => a.startedMs - b.startedMs),
    households,
    view: socView(history, now()),
  }
}

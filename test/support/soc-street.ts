import { randomUUID } from 'node:crypto'
import { type A2a, type A2aDeps, createA2a } from '../../src/domains/agents/a2a.ts'
import { A2A_STREAM } from '../../src/domains/agents/agents.ts'
import type { HouseholdView } from '../../src/domains/agents/household/executor.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { streamProtocol } from '../../src/protocol/topics.ts'
import { type TestHost, testHosts } from './network-hosts.ts'
import { OPEN, SLOT, socMemory } from './soc-memory.ts'

export const A2A_PROTOCOL = streamProtocol(A2A_STREAM)
const ASK_TIMEOUT_MS = 10_000

export interface Resident {
  readonly host: TestHost
  /** The frames it was sent, decoded no further than their text. */
  readonly heard: string[]
}

export interface SocStreet extends AsyncDisposable {
  /** A peer that answers agents; `moveIn` again under the same seed and it comes back as somebody with another mind. */
  moveIn(household?: Partial<HouseholdView>, options?: { seed?: Uint8Array; mute?: boolean }): Promise<Resident>
  /** A peer that asks, connected to all of these. */
  utility(residents: readonly Resident[], more?: Partial<A2aDeps>): Promise<A2a & { readonly host: TestHost }>
}

/** Real hosts on 127.0.0.1 that speak A2A to each other. */
export function socStreet(): SocStreet {
  const hosts = testHosts()

  async function open(deps: Partial<A2aDeps>, options: { seed?: Uint8Array; mute?: boolean } = {}) {
    const heard: string[] = []
    const host = await hosts.start(
      { maxConnections: 200 },
      {
        protocols: [A2A_PROTOCOL],
        onRequest(_protocol, bytes, from) {
          heard.push(Buffer.from(bytes).toString())
          return options.mute === true ? new Promise<never>(() => {}) : a2a.answer(bytes, from)
        },
        ...(options.seed === undefined ? {} : { seed: options.seed }),
      },
    )
    const a2a = createA2a({
      self: host.peerId,
      name: 'a peer',
      version: '1.0.0',
      household: OPEN,
      store: socMemory(),
      send: (peer, bytes, request) => host.request(peer, A2A_PROTOCOL, bytes, request),
      timing: { spreadMs: 0, deadlineMs: 2 * ASK_TIMEOUT_MS, requestTimeoutMs: ASK_TIMEOUT_MS },
      currentSlot: () => SLOT,
      clock: systemClock,
      random: Math.random,
      newId: randomUUID,
      log: silentLog,
      metrics: createMetrics(),
      ...deps,
    })
    return { host, heard, a2a }
  }

  return {
    moveIn: async (household = {}, options = {}) => open({ household: { ...OPEN, ...household } }, options),
    async utility(residents, more = {}) {
      const { host, a2a } = await open({ ...more, household: { ...OPEN, sharesSoc: false } })
      for (const resident of residents) await host.connect(resident.host.address(), { timeoutMs: ASK_TIMEOUT_MS })
      return { ...a2a, host }
    },
    [Symbol.asyncDispose]: () => hosts[Symbol.asyncDispose](),
  }
}

export const peersOf = (residents: readonly Resident[]): PeerId[] => residents.map(({ host }) => host.peerId)

import { A2A_STREAM } from '../../src/domains/agents/agents.ts'
import { encodeRequest } from '../../src/domains/agents/frame.ts'
import type { SocRound } from '../../src/domains/agents/soc/round.ts'
import { streamProtocol } from '../../src/protocol/topics.ts'
import { peersOf, type Resident, type SocStreet, socStreet } from '../../test/support/soc-street.ts'
import type { Part } from './figure.ts'
import { race } from './race.ts'

const HOUSEHOLDS = 50
/** As many as a round asks at a time. */
const PARALLEL = 8
const TIMEOUT_MS = 20_000
const LENGTH = { rounds: 9, roundMs: 250 }

/** A utility's round of states of charge: fifty households, each a libp2p host, the official A2A client and server. */
export const soc: Part = {
  name: 'soc',
  async run() {
    await using street = socStreet()
    const residents = await moveIn(street)
    const utility = await street.utility(residents)
    const peers = peersOf(residents)
    const never = new AbortController().signal

    async function round(): Promise<SocRound> {
      const done = await utility.round(peers, never)
      if (done.answered !== HOUSEHOLDS) throw new Error(`${done.answered} of ${HOUSEHOLDS} households answered`)
      return done
    }

    /** The same households, the same streams and frames, and nothing of A2A: what the transport alone takes. */
    const bare = encodeRequest({ method: 'GET', path: '/nothing', headers: {}, body: '' })
    async function knock(): Promise<number> {
      const queue = [...peers]
      const lane = async (): Promise<void> => {
        for (let peer = queue.pop(); peer !== undefined; peer = queue.pop())
          await utility.host.request(peer, streamProtocol(A2A_STREAM), bare, { timeoutMs: TIMEOUT_MS })
      }
      await Promise.all(Array.from({ length: PARALLEL }, lane))
      return HOUSEHOLDS
    }

    const { tookMs: firstMs } = await round()
    const speeds = await race({ bare: knock, a2a: async () => (await round()).answered }, LENGTH)
    const how = `${HOUSEHOLDS} connected households in one process, ${PARALLEL} at a time, no jitter`
    return [
      {
        name: 'soc.roundVsBareFrames',
        value: speeds.ratio('a2a', 'bare'),
        unit: 'ratio',
        against: `bare frames; ${how}`,
      },
      { name: 'soc.firstRoundMs', value: firstMs, unit: 'ms', against: `agent cards included; ${how}` },
      {
        name: 'soc.roundMs',
        value: (HOUSEHOLDS / speeds.rate('a2a')) * 1000,
        unit: 'ms',
        against: `cards known; ${how}`,
      },
    ]
  },
}

/** A few at a time: starting a host takes a while of processor. */
async function moveIn(street: SocStreet): Promise<Resident[]> {
  const residents: Resident[] = []
  while (residents.length < HOUSEHOLDS) {
    const wanted = Math.min(PARALLEL, HOUSEHOLDS - residents.length)
    residents.push(...(await Promise.all(Array.from({ length: wanted }, () => street.moveIn()))))
  }
  return residents
}

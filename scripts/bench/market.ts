import { type Battery, bestEnd, expectedValue, type Scenario } from '../../src/domains/control/offline.ts'
import { idsOf, rootOf } from '../../src/domains/market/book.ts'
import { auction, type Order, orderSteps } from '../../src/domains/market/offline.ts'
import { type Random, seededRandom } from '../../src/kernel/random.ts'
import type { Figure, Part } from './figure.ts'
import { race } from './race.ts'

const SLOT = { startMs: 1_800_000_000_000, durationMs: 900_000 }
const LENGTH = { rounds: 9, roundMs: 150 }
const BATTERY: Battery = { capacityKwh: 6.4, powerKwh: 5, efficiency: Math.sqrt(0.9), wear: 0 }
const HOURS = 23
const DAYS = 14

/** A street's auction, against what it takes to name its orders; and what a battery does now. */
export const market: Part = {
  name: 'market',
  async run() {
    const [street, town] = [bookOf(100), bookOf(1_000)]
    const ahead = hoursAhead(seededRandom(7))
    const { rate, ratio } = await race(
      {
        street: () => auction(street).result.contracts.length && 1,
        namedStreet: () => rootOf(SLOT, idsOf(street)).length && 1,
        town: () => auction(town).result.contracts.length && 1,
        namedTown: () => rootOf(SLOT, idsOf(town)).length && 1,
        decision: () => (decide(ahead) >= 0 ? 1 : 0),
      },
      LENGTH,
    )
    const against = 'its rate as a share of that of naming the same orders: SHA-256 of canonical JSON'
    const ms = (name: 'street' | 'town' | 'decision'): number => 1_000 / rate(name)
    const figures: Figure[] = [
      { name: 'market.clear100VsNaming', value: ratio('street', 'namedStreet'), unit: 'ratio', against },
      { name: 'market.clear1000VsNaming', value: ratio('town', 'namedTown'), unit: 'ratio', against },
      {
        name: 'market.clear100Ms',
        value: ms('street'),
        unit: 'ms',
        against: '100 orders of up to 16 steps, named and cleared',
      },
      { name: 'market.clear1000Ms', value: ms('town'), unit: 'ms', against: '1,000 orders' },
      {
        name: 'market.decisionMs',
        value: ms('decision'),
        unit: 'ms',
        against: `${HOURS} hours ahead, ${DAYS} days as scenarios`,
      },
    ]
    return figures
  },
}

function bookOf(peers: number) {
  const random = seededRandom(peers)
  const orders = Array.from({ length: peers }, (_, i) => orderOf(`12D3KooW${String(i).padStart(44, 'x')}`, random))
  const tariff = {
    slot: SLOT,
    utility: 'utility',
    seq: 1,
    feedInMicro: 80_000,
    retailMicro: 300_000,
    gridFeeMicro: 20_000,
    shareMicro: 0,
  }
  return { slot: SLOT, utility: 'utility', orders, tariffs: [tariff] }
}

function orderOf(peer: string, random: Random): Order {
  const middle = 80_000 + Math.floor(random() * 220_000)
  const steps = (sign: 1 | -1) =>
    Array.from({ length: 8 }, (_, k) => [middle + sign * (1 + k * 2_000), Math.floor(random() * 400)] as const)
  const zone = `zone-${Math.floor(random() * 3)}`
  return {
    slot: SLOT,
    peer,
    zone,
    seq: 1,
    buy: orderSteps('buy', steps(-1)),
    sell: orderSteps('sell', steps(1)),
    utility: 'utility',
  }
}

function hoursAhead(random: Random): Scenario[][] {
  return Array.from({ length: HOURS }, (_, hour) =>
    Array.from({ length: DAYS }, () => ({
      netKwh: random() * 4 - 1.5,
      tariff: { buy: hour % 5 === 0 ? 0.45 : 0.25, sell: 0.08 },
    })),
  )
}

function decide(ahead: readonly (readonly Scenario[])[]): number {
  const after = expectedValue(BATTERY, ahead, 0.07)
  return bestEnd(BATTERY, after, { netKwh: 1, storedKwh: 3, tariff: { buy: 0.3, sell: 0.08 } })
}

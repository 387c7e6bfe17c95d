import type { Breach } from '../breach.ts'
import {
  finalSlotsRequested,
  finalWithinAllocations,
  initEchoesAvailable,
  payloadsAreDeclared,
  quantitiesAreNumbers,
  unitsAreKwh,
} from './energy.ts'
import { flowsSumToZero } from './flows.ts'
import { noSelfTrade, partiesMatch } from './parties.ts'
import type { Rule, Scene } from './scene.ts'

/** The rules of a network for peers that trade energy, in the order they are asked. */
const RULES: readonly Rule[] = [
  ...[noSelfTrade, partiesMatch],
  ...[unitsAreKwh, payloadsAreDeclared, quantitiesAreNumbers],
  ...[initEchoesAvailable, finalSlotsRequested, finalWithinAllocations],
  flowsSumToZero,
]

export function policyBreach(scene: Scene): Breach | undefined {
  for (const rule of RULES) {
    const wrong = rule(scene)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

import { type Breach, breach, jsonPath, type Path, quoted } from '../breach.ts'
import type { EnergyCustomer } from '../packs/trade.ts'
import { BUYER_ROLE, type Deal, holderOf, type Rule, type Scene, SELLER_ROLE } from './scene.ts'

/** Nobody buys from their own meter: that would move money and no energy. */
export const noSelfTrade: Rule = scene => {
  const seen = new Set<string>()
  const counts = new Map<string, number>()
  for (const { list, path, meterId } of metersOf(scene)) {
    const meter = JSON.stringify([list, meterId])
    if (seen.has(meter))
      return breach('POL_SELF_TRADE', path, 'expected a meter for each side; this one stands on both')
    seen.add(meter)
    counts.set(list, (counts.get(list) ?? 0) + 1)
  }
  const alone = scene.deals.find(deal => {
    const buyer = holderOf(deal, BUYER_ROLE)
    // One platform may serve both sides; then two meters show that there are two.
    const meters = counts.get(jsonPath([...deal.path, 'participants'])) ?? 0
    return buyer !== undefined && buyer === holderOf(deal, SELLER_ROLE) && meters < 2
  })
  if (alone === undefined) return undefined
  const said = 'expected a seller who is not the buyer'
  return breach('POL_SELF_TRADE', [...alone.path, 'contractAttributes', 'roles'], said)
}

interface Meter {
  readonly list: string
  readonly path: Path
  readonly meterId: string
}

/** The meters of participants, each with the list it stands in. */
function metersOf({ bags }: Scene): Meter[] {
  return bags
    .filter(({ type, path }) => type === 'EnergyCustomer' && path.at(-3) === 'participants')
    .map(({ path, value }) => ({
      list: jsonPath(path.slice(0, -2)),
      path: [...path, 'meterId'],
      meterId: (value as unknown as EnergyCustomer).meterId,
    }))
}

/** The context, the roles and the participants name the same peers. */
export const partiesMatch: Rule = ({ context, deals }) => {
  for (const deal of deals) {
    const wrong = contextBreach(deal, context) ?? participantBreach(deal)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

const SIDES = [
  ['bapId', BUYER_ROLE],
  ['bppId', SELLER_ROLE],
] as const

function contextBreach(deal: Deal, context: Scene['context']): Breach | undefined {
  for (const [field, role] of SIDES) {
    const named = context[field]
    if (named === undefined) continue
    const index = deal.roles.findIndex(one => one.role === role && (one.participantId ?? named) !== named)
    if (index < 0) continue
    const found = quoted(deal.roles[index]?.participantId ?? '')
    return mismatch(deal, index, `expected the ${field} of the context, ${quoted(named)}; found ${found}`)
  }
  return undefined
}

function participantBreach(deal: Deal): Breach | undefined {
  if (deal.participants.length === 0) return undefined
  const present = new Set(deal.participants.map(({ id }) => id))
  const index = deal.roles.findIndex(({ participantId }) => participantId !== null && !present.has(participantId))
  if (index < 0) return undefined
  const absent = quoted(deal.roles[index]?.participantId ?? '')
  return mismatch(deal, index, `expected one of the participants; none of them is ${absent}`)
}

function mismatch(deal: Deal, role: number, said: string): Breach {
  return breach('POL_PARTY_MISMATCH', [...deal.path, 'contractAttributes', 'roles', role, 'participantId'], said)
}

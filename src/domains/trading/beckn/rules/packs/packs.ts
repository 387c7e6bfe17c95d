import { z } from 'zod'
import { type Breach, breach, type Fields, type Path, quoted, shapeBreach } from '../breach.ts'
import { buyOffer, need, performance } from './flex.ts'
import { energyResource } from './resource.ts'
import { timeSeries } from './series.ts'
import {
  degContract,
  energyCustomer,
  energyTradeOffer,
  ledgerProvider,
  paymentAction,
  revenueFlow,
  settlementTerm,
} from './trade.ts'

/** A JSON-LD object of a pack: what a domain adds to the core. */
export interface Bag {
  readonly path: Path
  readonly type: string
  readonly value: Fields
}

/** By name and version of the pack, as its context has them, and the type of its bags. */
const PACKS: Readonly<Record<string, readonly [type: string, schema: z.ZodType]>> = {
  'EnergyTradeOffer/2.0': ['EnergyTradeOffer', energyTradeOffer],
  'EnergyResource/2.0': ['EnergyResource', energyResource],
  'EnergyCustomer/2.0': ['EnergyCustomer', energyCustomer],
  'DEGContract/2.0': ['DEGContract', degContract],
  'BecknTimeSeries/1.0': ['TimeSeries', timeSeries],
  'RevenueFlow/2.0': ['RevenueFlow', revenueFlow],
  'DiscomLedgerProvider/1.0': ['DiscomLedgerProvider', ledgerProvider],
  'DemandFlexBuyOffer/2.0': ['DemandFlexBuyOffer', buyOffer],
  'DemandFlexNeed/2.0': ['DemandFlexNeed', need],
  'DemandFlexPerformance/2.0': ['DemandFlexPerformance', performance],
  'SettlementTerm/2.0': ['SettlementTerm', settlementTerm],
  'PaymentAction/2.0': ['PaymentAction', paymentAction],
}

export interface Unpacked {
  /** Of the packs known here, in the order of the message, each checked. */
  readonly bags: readonly Bag[]
  /** What was not checked, because nothing here knows its rules. */
  readonly notes: readonly string[]
}

/** Every bag in `message`, checked by its pack. The message must be bounded: this recurses. */
export function unpack(message: Fields): Unpacked | Breach {
  const bags: Bag[] = []
  const notes = new Set<string>()
  for (const { path, type, value } of bagsIn(message)) {
    const name = packName(value['@context'])
    const pack = name !== undefined && Object.hasOwn(PACKS, name) ? PACKS[name] : undefined
    if (pack === undefined) {
      notes.add(`${name ?? quoted(type)} is no pack known here: not checked`)
      continue
    }
    const wrong = shapeBreach(pack[1], value, path) ?? typeBreach(type, pack[0], path)
    if (wrong !== undefined) return wrong
    bags.push({ path, type, value })
  }
  return { bags, notes: [...notes].slice(0, MAX_NOTES) }
}

const MAX_NOTES = 16

function typeBreach(type: string, expected: string, path: Path): Breach | undefined {
  if (type === expected) return undefined
  const said = `expected ${expected}, which its context is of; found ${quoted(type)}`
  return breach('SCH_INVALID', [...path, '@type'], said)
}

/** `https://schema.nfh.global/EnergyResource/v2.0/context.jsonld` → `EnergyResource/2.0`; the `v` may be missing. */
export function packName(context: unknown): string | undefined {
  const [, name, version] = PACK_CONTEXT.exec(String(context)) ?? []
  return name === undefined ? undefined : `${name}/${version}`
}

/** For readers of ours: what is not of that pack was not held against its rules. */
export function isOfPack(name: string) {
  return z.string().refine(context => packName(context) === name, `the context of ${name}`)
}

const PACK_CONTEXT = /^https:\/\/schema\.(?:nfh\.global|beckn\.io)\/(\w{1,64})\/v?([\d.]{1,8})\/context\.jsonld$/

/** In the order of the message. One path grows and shrinks: a catalog has thousands of values and few bags. */
function bagsIn(message: Fields): Bag[] {
  const bags: Bag[] = []
  const path: PropertyKey[] = ['message']
  function look(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    const list = Array.isArray(value)
    const { '@context': context, '@type': type } = value as Fields
    if (!list && typeof context === 'string' && typeof type === 'string')
      bags.push({ path: [...path], type, value: value as Fields })
    for (const key of Object.keys(value)) {
      path.push(list ? Number(key) : key)
      look((value as Fields)[key])
      path.pop()
    }
  }
  look(message)
  return bags
}

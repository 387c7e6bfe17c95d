import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Slot } from '../../kernel/slot.ts'
import { canonical } from '../../protocol/canonical.ts'

/** A limit in millionths a kWh, landed: what a buyer pays in all, what a seller receives; and how much at it, Wh. */
export type Step = readonly [limitMicro: number, energyWh: number]

/** What a peer would buy and sell of one slot. Buy limits fall, sell limits rise, and it never trades with itself. */
export interface Order {
  readonly slot: Slot
  readonly peer: string
  readonly zone: string
  /** Of the same slot the highest counts. */
  readonly seq: number
  readonly buy: readonly Step[]
  readonly sell: readonly Step[]
  /** Whose tariff bounds it: orders of one book name the same. */
  readonly utility: string
}

/** What a utility takes and gives in a slot, millionths a kWh. */
export interface SlotTariff {
  readonly slot: Slot
  readonly utility: string
  readonly seq: number
  readonly feedInMicro: number
  readonly retailMicro: number
  /** On energy between two zones. */
  readonly gridFeeMicro: number
  /** The utility's share of each kWh that neighbours trade. */
  readonly shareMicro: number
}

/** Steps of a side; more is no clearer will. */
export const MAX_STEPS = 8
const MAX_LIMIT_MICRO = 1_000_000_000
const MAX_STEP_WH = 1_000_000_000
const MAX_SEQ = 1_000_000
const MAX_SLOT_MS = 86_400_000

const micro = z.int().min(0).max(MAX_LIMIT_MICRO)
const slotSchema = z.strictObject({ startMs: z.int().min(0), durationMs: z.int().min(1).max(MAX_SLOT_MS) })
const seqSchema = z.int().min(1).max(MAX_SEQ)
const steps = z.array(z.tuple([micro, z.int().min(0).max(MAX_STEP_WH)])).max(MAX_STEPS)
const utility = z.string().max(128)

/** An order by itself: whatever this refuses never enters a book. */
export const orderSchema = z
  .strictObject({
    slot: slotSchema,
    peer: z.string().regex(/^[!-~]{1,128}$/),
    zone: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
    seq: seqSchema,
    buy: steps.refine(each => isMonotone(each, (limit, before) => limit < before), 'the limits to buy must fall'),
    sell: steps.refine(each => isMonotone(each, (limit, before) => limit > before), 'the limits to sell must rise'),
    utility,
  })
  .refine(
    ({ buy: [buy], sell: [sell] }) => buy === undefined || sell === undefined || buy[0] < sell[0],
    'it would trade with itself: the first limit to buy must be below the first to sell',
  )

function isMonotone(each: readonly Step[], follows: (limit: number, before: number) => boolean): boolean {
  return each.every(([limit], i) => {
    const before = each[i - 1]
    return before === undefined || follows(limit, before[0])
  })
}

export function isOrder(value: unknown): value is Order {
  return orderSchema.safeParse(value).success
}

export function orderId(order: Order): string {
  return hashOf('wattmesh/order/1', order)
}

export function tariffId(tariff: SlotTariff): string {
  return hashOf('wattmesh/tariff/1', tariff)
}

/** SHA-256 of what it is and its canonical JSON (RFC 8785), so that one hash never stands for two kinds of thing. */
export function hashOf(what: string, value: object): string {
  return sha256(`${what}\n${canonical(value)}`)
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Names are ASCII: by bytes, whatever the language of the machine. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

import { expect, test } from 'vitest'
import type { KnownAction } from '../../src/domains/trading/beckn/rules/actions.ts'
import { validateMessage } from '../../src/domains/trading/beckn/rules/validate.ts'
import { becknMessage, type Fields, TIMESTAMP } from '../support/beckn-messages.ts'

type Payload = { type: string; values: unknown[] }
interface Series {
  intervalPeriod: Fields
  payloadDescriptors: Fields[]
  intervals: { id: number; payloads: Payload[] }[]
}
interface Contract {
  commitments: [{ resources: Fields[]; commitmentAttributes: Series }]
  participants: [Participant, Participant, Fields]
  contractAttributes: { roles: [Fields, Fields, ...Fields[]]; revenueFlows: Fields[] }
  consideration: [{ considerationAttributes: { revenueFlows: [Fields, Fields] } }]
}
interface Participant {
  id: string
  participantAttributes: Fields
}

function judged(change: (contract: Contract, series: Series) => void, action: KnownAction = 'on_status') {
  const message = becknMessage(action)
  const contract = message.message['contract'] as Contract
  change(contract, contract.commitments[0].commitmentAttributes)
  return validateMessage(message)
}

function setValues({ intervals }: Series, slot: number, type: string, ...values: unknown[]): void {
  const payload = intervals[slot]?.payloads.find(one => one.type === type)
  if (payload === undefined) throw new Error(`no ${type} in slot ${slot}`)
  payload.values = values
}

function drop({ intervals }: Series, slot: number, type: string): void {
  const interval = intervals[slot]
  if (interval !== undefined) interval.payloads = interval.payloads.filter(one => one.type !== type)
}

test('nobody buys from their own meter', () => {
  const verdict = judged(({ participants: [buyer, seller] }) => {
    buyer.participantAttributes['meterId'] = seller.participantAttributes['meterId']
  })
  expect(verdict).toMatchObject({
    code: 'POL_SELF_TRADE',
    path: '$.message.contract.participants[1].participantAttributes.meterId',
  })
})

test('one who is both sides with one meter trades with themselves', () => {
  const both = (meters: 1 | 2) => {
    const message = becknMessage('select')
    const contract = message.message['contract'] as Contract
    message.context['bapId'] = message.context['bppId']
    const id = String(message.context['bppId'])
    contract.contractAttributes.roles[0]['participantId'] = id
    contract.participants[0].id = id
    if (meters === 1) contract.participants.splice(0, 1)
    return validateMessage(message)
  }
  expect(both(1)).toMatchObject({ code: 'POL_SELF_TRADE' })
  expect(both(2), 'a platform that serves two meters').toMatchObject({ ok: true })
})

test('the roles are those of the context, and of participants who are there', () => {
  const swapped = judged(({ contractAttributes: { roles } }) => {
    roles[0]['participantId'] = roles[1]['participantId']
  })
  expect(swapped).toMatchObject({
    code: 'POL_PARTY_MISMATCH',
    path: '$.message.contract.contractAttributes.roles[0].participantId',
  })
  const twice = judged(({ contractAttributes: { roles } }) => {
    roles.push({ role: 'buyerPlatform', participantId: 'seller.example.org' })
  })
  expect(twice).toMatchObject({ code: 'POL_PARTY_MISMATCH', path: expect.stringContaining('.roles[2].participantId') })
  const absent = judged(({ participants: [buyer] }) => {
    buyer.id = 'somebody'
  })
  expect(absent).toMatchObject({ code: 'POL_PARTY_MISMATCH', message: expect.stringContaining('buyer.example.org') })
})

test('energy is told in kWh, in series and in quantities', () => {
  const series = judged((_, { payloadDescriptors }) => Object.assign(payloadDescriptors[2] ?? {}, { units: 'MWH' }))
  expect(series).toMatchObject({ code: 'POL_UNITS', message: 'expected KWH for "REQUESTED_QTY"; found "MWH"' })
  const none = judged((_, { payloadDescriptors }) => Reflect.deleteProperty(payloadDescriptors[2] ?? {}, 'units'))
  expect(none).toMatchObject({ code: 'POL_UNITS', message: expect.stringContaining('found none') })
  const quantity = judged(({ commitments: [{ resources }] }) =>
    Object.assign(resources[1] ?? {}, { quantity: { unitCode: 'kW', unitQuantity: 5 } }),
  )
  expect(quantity).toMatchObject({
    code: 'POL_UNITS',
    path: '$.message.contract.commitments[0].resources[1].quantity.unitCode',
  })
})

test.each([[[-1]], [['5']], [[]], [[1, 2]]])('%j is no quantity of energy', values => {
  const verdict = judged((_, series) => setValues(series, 1, 'REQUESTED_QTY', ...values))
  expect(verdict).toMatchObject({
    code: 'POL_QUANTITY',
    path: expect.stringContaining('.intervals[1].payloads[2].values'),
  })
})

test('a price is one number, below nothing too, and neither it nor a quantity stands twice in a slot', () => {
  expect(judged((_, series) => setValues(series, 0, 'PRICE_PER_KWH', -0.05))).toMatchObject({ ok: true })
  expect(judged((_, series) => setValues(series, 0, 'PRICE_PER_KWH', 'free'))).toMatchObject({ code: 'POL_QUANTITY' })
  for (const type of ['PRICE_PER_KWH', 'FINAL_ALLOC']) {
    const twice = judged((_, { intervals }) => intervals[0]?.payloads.push({ type, values: [9] }))
    expect(twice).toMatchObject({ code: 'POL_QUANTITY', path: expect.stringContaining('.payloads[6].values') })
  }
})

test('a payload type without a descriptor is refused', () => {
  const verdict = judged((_, { intervals }) => intervals[0]?.payloads.push({ type: 'WISH', values: [1] }))
  expect(verdict).toMatchObject({ code: 'POL_PAYLOAD_UNDECLARED', path: expect.stringContaining('.payloads[6].type') })
})

test('what is settled is at most the least allocation', () => {
  const at = (finalKwh: number) => judged((_, series) => setValues(series, 0, 'FINAL_ALLOC', finalKwh))
  expect(at(5)).toMatchObject({ ok: true })
  expect(at(4.5)).toMatchObject({ ok: true })
  expect(at(5.001)).toMatchObject({
    code: 'POL_ALLOCATION',
    message: 'expected FINAL_ALLOC to be at most 5 KWH, the least allocation',
  })
})

test('nothing is settled in a slot that was not requested', () => {
  const verdict = judged((_, series) => drop(series, 1, 'REQUESTED_QTY'))
  expect(verdict).toMatchObject({
    code: 'POL_SLOT_NOT_REQUESTED',
    path: '$.message.contract.commitments[0].commitmentAttributes.intervals[1].id',
    message: 'expected a slot that was requested: 0',
  })
})

test('a series that repeats no request is held against the one that does, where both begin alike', () => {
  const measured = (start: string) =>
    judged((contract, series) => {
      const report = structuredClone(series)
      for (const interval of report.intervals) interval.id += 1
      for (const slot of [0, 1]) drop(report, slot, 'REQUESTED_QTY')
      report.intervalPeriod['start'] = start
      Object.assign(contract, { performance: [{ performanceAttributes: report }] })
    })
  expect(measured(TIMESTAMP)).toMatchObject({
    code: 'POL_SLOT_NOT_REQUESTED',
    path: '$.message.contract.performance[0].performanceAttributes.intervals[1].id',
  })
  expect(measured('2026-06-02T12:00:00Z')).toMatchObject({ ok: true })
})

test('init repeats what was available; later messages need not', () => {
  const without = (action: KnownAction) => judged((_, series) => drop(series, 0, 'AVAILABLE_QTY'), action)
  expect(without('init')).toMatchObject({ code: 'POL_AVAILABLE_NOT_ECHOED' })
  expect(without('confirm')).toMatchObject({ ok: true })
})

test('revenue flows sum to zero in each currency, but for what rounding leaves', () => {
  const flows = (...values: [string, number][]) =>
    judged(({ consideration: [{ considerationAttributes }] }) => {
      const list = values.map(([currency, value], index) => ({ role: `role-${index}`, value, currency }))
      Object.assign(considerationAttributes, { revenueFlows: list })
    })
  expect(flows(['USD', 437.15], ['USD', -437.15])).toMatchObject({ ok: true })
  expect(flows(['USD', 0.1], ['USD', 0.2], ['USD', -0.3])).toMatchObject({ ok: true })
  expect(flows(['USD', 437.15], ['USD', -437.1])).toMatchObject({
    code: 'POL_FLOWS_UNBALANCED',
    message: 'expected flows that sum to 0; in "USD" they sum to 0.05',
  })
  expect(flows(['USD', 1], ['EUR', -1])).toMatchObject({ code: 'POL_FLOWS_UNBALANCED' })
})

test('flexibility has roles and units of its own', () => {
  const verdict = judged(({ contractAttributes, commitments: [{ resources }], participants }) => {
    contractAttributes.roles = [
      { role: 'buyer', participantId: participants[0].id },
      { role: 'seller', participantId: participants[1].id },
    ]
    Object.assign(resources[0] ?? {}, { quantity: { unitCode: 'kW', unitQuantity: 5 } })
  })
  expect(verdict).toMatchObject({ ok: true })
})

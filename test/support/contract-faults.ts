/** What can be wrong with the contract in a message, and the code each of it deserves. */

export type Fields = { [key: string]: unknown }

export interface Message {
  context: Fields
  message: Fields
}

export type Change = (payload: Message & Fields) => void
export type Rows = readonly (readonly [what: string, code: string, change: Change])[]

/** A peer that has no part in the trade. */
export const FOREIGN = 'somebody else'

export interface Series {
  '@context': string
  payloadDescriptors: Fields[]
  intervals: { payloads: { type: string; values: unknown[] }[] }[]
}
export interface Contract extends Fields {
  status: Fields
  commitments: [{ status: { descriptor: Fields }; resources: [Fields]; offer: Fields; commitmentAttributes: Series }]
  contractAttributes: Fields & { roles: [Fields, Fields] }
  participants: (Fields & { participantAttributes: Fields })[]
  consideration?: { considerationAttributes: Fields }[]
}

const contractOf = (message: Fields): Contract => message['contract'] as Contract
const contract =
  (change: (contract: Contract) => unknown): Change =>
  ({ message }) =>
    void change(contractOf(message))
const commitment = (change: (commitment: Contract['commitments'][0]) => unknown): Change =>
  contract(({ commitments }) => change(commitments[0]))
const series = (change: (series: Series) => unknown): Change => commitment(one => change(one.commitmentAttributes))
const value = (type: string, ...values: unknown[]): Change =>
  series(({ intervals }) => {
    for (const payload of intervals[0]?.payloads ?? []) if (payload.type === type) payload.values = values
  })

/** What every contract is about, at each step of the flow. */
const EVERY_CONTRACT: Rows = [
  ...['status', 'commitments', 'participants', 'contractAttributes'].map(
    field => [`no ${field}`, 'SCH_MISSING_FIELD', contract(one => delete one[field])] as const,
  ),
  ...(['status', 'resources', 'offer', 'commitmentAttributes'] as const).map(
    field =>
      [`no ${field} committed`, 'SCH_MISSING_FIELD', commitment(one => Reflect.deleteProperty(one, field))] as const,
  ),
  ...['id', 'resourceIds'].map(
    field => [`no ${field} of the offer`, 'SCH_MISSING_FIELD', commitment(one => delete one.offer[field])] as const,
  ),
  ['no roles', 'SCH_MISSING_FIELD', contract(one => Reflect.deleteProperty(one.contractAttributes, 'roles'))],
  ['no policy', 'SCH_MISSING_FIELD', contract(one => delete one.contractAttributes['policy'])],
  ['no slots', 'SCH_MISSING_FIELD', series(one => Reflect.deleteProperty(one, 'intervals'))],
  ['an empty list of slots', 'SCH_INVALID', series(one => Object.assign(one, { intervals: [] }))],
  ['no descriptors', 'SCH_INVALID', series(one => Object.assign(one, { payloadDescriptors: [] }))],
  ['two commitments', 'SCH_INVALID', contract(one => (one.commitments as unknown[]).push(one.commitments[0]))],
  ['a status that is none', 'SCH_INVALID', contract(one => Object.assign(one.status, { code: 'BOGUS' }))],
  [
    'a commitment of no status',
    'SCH_INVALID',
    commitment(one => Object.assign(one.status.descriptor, { code: 'BOGUS' })),
  ],
  ['a field the standard does not know', 'SCH_INVALID', contract(one => Object.assign(one, { price: 1 }))],
  [
    'a series of another pack',
    'SCH_INVALID',
    series(one => Object.assign(one, { '@context': `${one['@context']}#2` })),
  ],
  [
    'terms of another pack',
    'SCH_INVALID',
    contract(one => Object.assign(one.contractAttributes, { '@context': 'https://example.org/terms' })),
  ],
  ['nothing requested', 'SCH_INVALID', series(one => removePayload(one, 'REQUESTED_QTY'))],
  ['half a watt-hour', 'SCH_INVALID', value('REQUESTED_QTY', 0.0005)],
  ['no buyer', 'SCH_INVALID', contract(one => Object.assign(one.contractAttributes.roles[0], { participantId: null }))],
  ['MWH in the series', 'POL_UNITS', series(one => one.payloadDescriptors.map(inMegawatts))],
  [
    'MWH in the quantity',
    'POL_UNITS',
    commitment(({ resources: [resource] }) => Object.assign(resource['quantity'] as object, { unitCode: 'MWH' })),
  ],
  ['a price nobody described', 'POL_PAYLOAD_UNDECLARED', series(one => one.payloadDescriptors.shift())],
  ['less than no energy', 'POL_QUANTITY', value('REQUESTED_QTY', -1)],
  ['energy in words', 'POL_QUANTITY', value('REQUESTED_QTY', 'all')],
  ['a price in words', 'POL_QUANTITY', value('PRICE_PER_KWH', 'cheap')],
  ['two prices', 'POL_QUANTITY', value('PRICE_PER_KWH', 0.1, 0.2)],
  [
    'another currency',
    'POL_CURRENCY',
    series(one => Object.assign(one.payloadDescriptors[0] ?? {}, { currency: 'EUR' })),
  ],
  ['no currency', 'POL_CURRENCY', series(one => delete one.payloadDescriptors[0]?.['currency'])],
  [
    'two currencies',
    'POL_CURRENCY',
    series(one => Object.assign(one.payloadDescriptors[1] ?? {}, { currency: 'EUR' })),
  ],
  [
    'one meter on both sides',
    'POL_SELF_TRADE',
    contract(({ participants }) => {
      for (const { participantAttributes } of participants)
        if ('meterId' in participantAttributes) participantAttributes['meterId'] = 'meter'
    }),
  ],
  [
    'a stranger in a role',
    'POL_PARTY_MISMATCH',
    contract(one => Object.assign(one.contractAttributes.roles[1], { participantId: FOREIGN })),
  ],
  [
    'a stranger among the participants',
    'POL_PARTY_MISMATCH',
    contract(one => Object.assign(one.participants[0] ?? {}, { id: FOREIGN })),
  ],
  ['no participants at all', 'POL_PARTY_MISMATCH', contract(one => Object.assign(one, { participants: [] }))],
  [
    'a participant without a meter',
    'POL_PARTY_MISMATCH',
    contract(one => Reflect.deleteProperty(one.participants[1] ?? {}, 'participantAttributes')),
  ],
]

function removePayload({ intervals }: Series, type: string): void {
  for (const interval of intervals) interval.payloads = interval.payloads.filter(payload => payload.type !== type)
}

export function inMegawatts(descriptor: Fields): void {
  if (descriptor['units'] === 'KWH') descriptor['units'] = 'MWH'
}

export function contractFaults(message: Fields): Rows {
  const { settlements, consideration = [], commitments } = contractOf(message)
  const said = new Set(commitments[0].commitmentAttributes.intervals[0]?.payloads.map(({ type }) => type))
  const quote = consideration.findIndex(one => 'gridFeePerKwh' in one.considerationAttributes)
  const quoted = (fields: Fields): Change =>
    contract(one => Object.assign(one.consideration?.[quote]?.considerationAttributes ?? {}, fields))
  return [
    ...EVERY_CONTRACT,
    ...(said.has('FINAL_ALLOC')
      ? ([['more settled than measured', 'POL_ALLOCATION', value('FINAL_ALLOC', 9)]] as const)
      : []),
    ...(quote < 0
      ? []
      : ([
          ['a fee that is no price', 'SCH_INVALID', quoted({ gridFeePerKwh: 'low' })],
          ['a fee of less than a millionth', 'SCH_INVALID', quoted({ gridFeePerKwh: 1e-7 })],
          ['a price in another currency', 'POL_CURRENCY', quoted({ currency: 'EUR' })],
        ] as const)),
    ...(settlements === undefined
      ? []
      : ([
          [
            'a settlement of no status',
            'SCH_INVALID',
            contract(one => (((one['settlements'] as Fields[])[0] ?? {})['status'] = 'BOGUS')),
          ],
        ] as const)),
  ]
}

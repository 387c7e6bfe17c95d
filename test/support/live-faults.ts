import {
  type Change,
  type Contract,
  contractFaults,
  type Fields,
  FOREIGN,
  inMegawatts,
  type Message,
  type Rows,
  type Series,
} from './contract-faults.ts'

/** Messages with one thing wrong, and the code of Beckn's layers each of them deserves. */

export interface Fault {
  readonly what: string
  readonly code: string
  readonly payload: object
}

const ELSEWHERE = '00000000-0000-4000-8000-999999999999'
/** Another action that needs the same parties. */
const OTHERS: Readonly<Record<string, string>> = {
  discover: 'on_discover',
  on_discover: 'discover',
  'catalog/publish': 'catalog/on_publish',
}
const DAY_MS = 24 * 60 * 60_000

/** Every fault there is for a message of its kind. */
export function faultsOf(honest: Message): Fault[] {
  const rows = [...contextFaults(honest), ...bodyFaults(honest)]
  return rows.map(([what, code, change]) => {
    const payload = structuredClone(honest) as Message & Fields
    change(payload)
    return { what, code, payload }
  })
}

const without =
  (field: string): Change =>
  ({ context }) =>
    void delete context[field]
const says =
  (field: string, value: unknown): Change =>
  ({ context }) =>
    void Object.assign(context, { [field]: value })

function contextFaults({ context, message }: Message): Rows {
  const action = String(context['action'])
  const [body = ''] = Object.keys(message)
  const later = (ms: number): string => new Date(Date.parse(String(context['timestamp'])) + ms).toISOString()
  const needed = ['action', 'version', 'transactionId', 'messageId', 'timestamp', 'senderId', 'networkId']
  const parties = ['bapId', 'bppId'].filter(party => context[party] !== undefined)
  // Whoever sells to anybody, or asks anybody, names no other side.
  const both = parties.length === 2 && action !== 'on_discover'
  const other = OTHERS[action] ?? (action === 'init' ? 'select' : 'init')
  return [
    ...[...needed, ...(both ? parties : [])].map(
      field => [`no ${field}`, 'CTX_MISSING_FIELD', without(field)] as const,
    ),
    ['no context', 'CTX_MISSING_FIELD', payload => Reflect.deleteProperty(payload, 'context')],
    ['no message', 'CTX_MISSING_FIELD', payload => Reflect.deleteProperty(payload, 'message')],
    ['a message that is none', 'SCH_INVALID', payload => Object.assign(payload, { message: 5 })],
    ['an empty message', 'SCH_MISSING_FIELD', payload => void delete payload.message[body]],
    ['an error beside it', 'SCH_INVALID', payload => Object.assign(payload, { error: { code: 'x' } })],
    ['another action', 'CTX_ACTION_MISMATCH', says('action', other)],
    ['an unknown action', 'CTX_ACTION_MISMATCH', says('action', 'order')],
    ['version 1', 'CTX_VERSION_UNSUPPORTED', says('version', '1.1.0')],
    ['another network', 'NET_NETWORK_MISMATCH', says('networkId', 'elsewhere')],
    ['another sender', 'AUT_UNAUTHORIZED_ACTION', says('senderId', 'did:key:z6Mksomebody')],
    ['a sender that is no DID', 'SCH_INVALID', says('senderId', FOREIGN)],
    ['another transaction', 'CTX_TRANSACTION_ID_UNKNOWN', says('transactionId', ELSEWHERE)],
    ['a transaction that is none', 'SCH_INVALID', says('transactionId', 'x')],
    ['a ttl that is none', 'SCH_INVALID', says('ttl', 'soon')],
    ['a time that is none', 'SCH_INVALID', says('timestamp', 'today')],
    ['a time long ago', 'CTX_TTL_EXPIRED', says('timestamp', later(-2 * DAY_MS))],
    ['a time to come', 'CTX_TTL_EXPIRED', says('timestamp', later(300_000))],
    ...(both ? betweenTwo(action, parties) : []),
  ]
}

function betweenTwo(action: string, parties: readonly string[]): Rows {
  const own = action.startsWith('on_') ? [] : ([['messageId', 'CTX_MESSAGE_ID_DUPLICATE', ELSEWHERE]] as const)
  const foreign = parties.map(party => [party, 'AUT_UNAUTHORIZED_ACTION', FOREIGN] as const)
  const receiver = ['receiverId', 'AUT_UNAUTHORIZED_ACTION', 'did:key:z6Mksomebody'] as const
  return [...own, ...foreign, receiver].map(([field, code, value]) => [`another ${field}`, code, says(field, value)])
}

function bodyFaults({ message }: Message): Rows {
  if ('contract' in message) return contractFaults(message)
  if ('tracking' in message) return trackingFaults(message)
  if ('catalogs' in message) return catalogFaults(message)
  return [...SMALL, ...('ratingInputs' in message || 'ratings' in message ? RATING : [])]
}

function trackingFaults(message: Fields): Rows {
  const tracking =
    (change: (tracking: Fields) => unknown): Change =>
    ({ message }) =>
      void change(message['tracking'] as Fields)
  const answers = 'trackingAttributes' in (message['tracking'] as Fields)
  const inside = (change: (contract: Contract) => unknown): Change =>
    tracking(one => change(one['contract'] as Contract))
  return [
    ['no url', 'SCH_MISSING_FIELD', tracking(one => delete one['url'])],
    ['no status', 'SCH_MISSING_FIELD', tracking(one => delete one['status'])],
    ['a status that is none', 'SCH_INVALID', tracking(one => Object.assign(one, { status: 'BOGUS' }))],
    ['no id of the contract', 'SCH_MISSING_FIELD', inside(one => delete one['id'])],
    ['MWH', 'POL_UNITS', inside(one => one.commitments[0].commitmentAttributes.payloadDescriptors.map(inMegawatts))],
    [
      'a stranger in a role',
      'POL_PARTY_MISMATCH',
      inside(one => Object.assign(one.contractAttributes.roles[0], { participantId: FOREIGN })),
    ],
    ...(answers
      ? ([
          ['no progress', 'SCH_INVALID', tracking(one => delete one['trackingAttributes'])],
          [
            'a phase that is none',
            'SCH_INVALID',
            tracking(one => Object.assign(one['trackingAttributes'] as object, { phase: 'BOGUS' })),
          ],
        ] as const)
      : []),
  ]
}

interface Catalog extends Fields {
  offers: [{ offerAttributes: { commitmentAttributes: Series } }]
}

function catalogFaults(_message: Fields): Rows {
  const catalog =
    (change: (catalog: Catalog) => unknown): Change =>
    ({ message }) =>
      void change((message['catalogs'] as [Catalog])[0])
  const offered = (change: (series: Series) => unknown): Change =>
    catalog(({ offers: [offer] }) => change(offer.offerAttributes.commitmentAttributes))
  return [
    ...['id', 'descriptor', 'provider'].map(
      field => [`no ${field}`, 'SCH_MISSING_FIELD', catalog(one => delete one[field])] as const,
    ),
    ['a field the standard does not know', 'SCH_INVALID', catalog(one => Object.assign(one, { price: 1 }))],
    ['no descriptors', 'SCH_INVALID', offered(one => Object.assign(one, { payloadDescriptors: [] }))],
    [
      'a series of another pack',
      'SCH_INVALID',
      offered(one => Object.assign(one, { '@context': 'https://example.org/s' })),
    ],
    ['MWH', 'POL_UNITS', offered(one => one.payloadDescriptors.map(inMegawatts))],
    [
      'less than no energy',
      'POL_QUANTITY',
      offered(({ intervals }) =>
        Object.assign(intervals[0]?.payloads.find(one => one.type === 'AVAILABLE_QTY') ?? {}, { values: [-1] }),
      ),
    ],
    ['a price nobody described', 'POL_PAYLOAD_UNDECLARED', offered(one => one.payloadDescriptors.shift())],
  ]
}

/** Of intents, ratings and calls for support. */
const small =
  (change: (one: Fields) => unknown): Change =>
  ({ message }) => {
    const [body] = Object.values(message)
    change((Array.isArray(body) ? body[0] : body) as Fields)
  }
const SMALL: Rows = [
  ['a field the standard does not know', 'SCH_INVALID', small(one => Object.assign(one, { surplus: 1 }))],
]

const RATING: Rows = [
  ['no target', 'SCH_MISSING_FIELD', small(one => delete one['target'])],
  ['no range', 'SCH_MISSING_FIELD', small(one => delete one['range'])],
  ['no stars', 'SCH_INVALID', small(one => Object.assign(one, { range: { min: 1, max: 5 } }))],
  ['six stars', 'SCH_INVALID', small(one => Object.assign(one, { range: { min: 1, max: 5, value: 6 } }))],
  ['stars for another contract', 'SCH_INVALID', small(one => Object.assign(one, { target: { id: ELSEWHERE } }))],
]

import type { KnownAction } from '../../src/domains/trading/beckn/rules/actions.ts'

/** A well-formed message of each action, with about every field the standard knows: made for these tests. */

export type Fields = { [key: string]: unknown }

export interface Message {
  context: Fields
  message: Fields
}

export const TIMESTAMP = '2026-06-01T12:00:00Z'
const BUYER = 'buyer.example.org'
const SELLER = 'seller.example.org'

const pack = (name: string, version: string): string => `https://schema.nfh.global/${name}/${version}/context.jsonld`
const bag = (type: string, fields: Fields, name = type, version = 'v2.0'): Fields => ({
  '@context': pack(name, version),
  '@type': type,
  ...fields,
})

const descriptor = {
  code: 'SUN',
  name: 'Sun',
  shortDesc: 'of the roof',
  longDesc: 'of the southern roof',
  thumbnailImage: 'https://example.org/roof.png',
  docs: [
    {
      label: 'terms',
      url: 'https://example.org/terms',
      mimeType: 'text/html',
      standard: 'x',
      security: {
        checksum: 'ab',
        checksumAlgorithm: 'SHA256',
        signature: 's',
        signatureAlgorithm: 'Ed25519',
        keyId: 'k',
      },
    },
  ],
  mediaFile: [{ label: 'roof', mimeType: 'image/png', uri: 'https://example.org/roof.png' }],
}
const geometry = {
  type: 'GeometryCollection',
  bbox: [0, 0, 1, 1],
  geometries: [{ type: 'Point', coordinates: [0, 1] }],
}
const location = {
  geo: geometry,
  address: {
    addressCountry: 'DE',
    addressLocality: 'Bonn',
    addressRegion: 'NW',
    extendedAddress: 'yard',
    postalCode: '53111',
    streetAddress: 'Markt 1',
  },
}
const customer = (side: string): Fields =>
  bag('EnergyCustomer', {
    meterId: `meter-${side}`,
    sanctionedLoad: 5,
    utilityCustomerId: 'c1',
    utilityId: 'u1',
    platformUrl: 'https://example.org',
  })
const provider = {
  id: SELLER,
  descriptor,
  availableAt: [location],
  providerAttributes: customer('seller'),
}

const flows = (currency: string): Fields[] => [
  { role: 'sellerPlatform', value: 1.25, currency, description: 'energy sold' },
  { role: 'buyerPlatform', value: -1.25, currency },
]
export const terms = (buyer: string | null): Fields =>
  bag('DEGContract', {
    roles: [
      { role: 'buyerPlatform', participantId: buyer },
      { role: 'sellerPlatform', participantId: SELLER },
    ],
    policy: { url: 'https://example.org/policy', queryPath: 'p2p' },
    revenueFlows: flows('EUR'),
  })

const quantities = ['AVAILABLE_QTY', 'REQUESTED_QTY', 'BUYER_DISCOM_ALLOC', 'SELLER_DISCOM_ALLOC', 'FINAL_ALLOC']
export const series = (): Fields =>
  bag(
    'TimeSeries',
    {
      intervalPeriod: { start: TIMESTAMP, duration: 'PT15M', randomizeStart: 'PT0S' },
      payloadDescriptors: [
        { objectType: 'EVENT_PAYLOAD_DESCRIPTOR', payloadType: 'PRICE_PER_KWH', currency: 'EUR' },
        ...quantities.map(payloadType => ({
          objectType: 'REPORT_PAYLOAD_DESCRIPTOR',
          payloadType,
          units: 'KWH',
          readingType: 'DIRECT_READ',
          accuracy: 0.5,
          confidence: 90,
        })),
      ],
      intervals: [0, 1].map(id => ({
        id,
        intervalPeriod: { start: TIMESTAMP, duration: 'PT15M' },
        payloads: [
          { type: 'PRICE_PER_KWH', values: [0.25] },
          { type: 'AVAILABLE_QTY', values: [8] },
          ...quantities.slice(1).map(type => ({ type, values: [5] })),
        ],
      })),
      resourceName: 'roof',
      clientName: 'meter',
    },
    'BecknTimeSeries',
    'v1.0',
  )

const resources = (
  [
    [
      'SOLAR',
      { nominalPowerKw: 5, efficiency: 20, make: 'M', model: 'X', ratedPowerKw: 5, maxExportKw: 5, maxImportKw: 0 },
    ],
    [
      'METER',
      { meterCapability: 'AMI', energyDirection: 'Net', functions: ['ToU', 'NetMetering'], feeder: 'f', bus: 'b' },
    ],
    ['METER', { communicationTechnology: 'LoRa', applicationProtocol: 'Modbus', commissioningDate: TIMESTAMP }],
    ['BATTERY', { storageCapacityKwh: 9, storageType: 'LithiumIon', stateOfHealthPct: 97, telemetryProvider: 't' }],
    ['EV_CHARGER', { connectorType: 'Type2', controlProtocol: 'OCPP_2.1', v2xProtocol: 'Other' }],
    [
      'INVERTER',
      { ratedApparentPowerKva: 5, maxReactivePowerKvar: 1, minReactivePowerKvar: -1, operatingMode: 'Standby' },
    ],
    [
      'INVERTER',
      { rideThroughCategory: 'CategoryI', voltVarEnabled: true, freqDroopEnabled: false, enterServiceRampTimeSec: 3 },
    ],
    ['SMART_HVAC', { controlProtocol: 'EEBus', loadCategory: 'Heating' }],
    ['FEEDER', { nominalVoltageKv: 20, zone: 'z', substationId: 's', feederCode: 'f' }],
  ] as const
).map(([type, attributes], index) => ({
  id: `r${index}`,
  descriptor,
  quantity: { '@type': 'Quantity', unitCode: 'KWH', unitQuantity: 5 },
  resourceAttributes: bag('EnergyResource', {
    type,
    id: `meter-${index}`,
    attributes,
    subResources: ['r0'],
    parentResources: ['r1'],
  }),
}))

const considerations = [
  {
    id: 'quote',
    status: { code: 'QUOTED' },
    considerationAttributes: bag('RevenueFlow', { revenueFlows: flows('USD') }),
  },
]
const validity = { startDate: TIMESTAMP, endDate: TIMESTAMP, startTime: '12:00:00Z', endTime: '13:00:00+02:00' }
const participants = (...sides: ('buyer' | 'seller')[]): Fields[] =>
  sides.map(side => ({
    id: side === 'buyer' ? BUYER : SELLER,
    descriptor: { name: side },
    participantAttributes: customer(side),
  }))
const offer = {
  id: 'noon',
  descriptor,
  provider,
  resourceIds: ['r0'],
  considerations,
  validity,
  offerAttributes: bag('EnergyTradeOffer', {
    contractAttributes: terms(null),
    participants: participants('seller'),
    commitmentAttributes: series(),
  }),
}

const hash = `sha256:${'0'.repeat(64)}`
const reference = {
  '@type': 'ResourceRef',
  uri: 'https://example.org/meters',
  contentHash: hash,
  count: 2,
  sizeBytes: 9,
  contentType: 'application/json',
  schemaContext: 'https://example.org/s',
  expiresAt: TIMESTAMP,
}
const flexOffer = {
  id: 'flex',
  resourceIds: ['r0'],
  offerAttributes: bag('DemandFlexBuyOffer', {
    inputs: [
      {
        role: 'seller',
        participantId: null,
        inputs: {
          reportDescriptors: [
            { objectType: 'REPORT_PAYLOAD_DESCRIPTOR', payloadType: 'USAGE', units: 'KW', cardinality: 'PER_EVENT' },
          ],
          participatingMetersRef: reference,
          energyResourcesRef: reference,
          participatingMetersDigest: { count: 2, sha256OfSortedIds: hash },
        },
      },
    ],
  }),
}
const flexNeed = {
  id: 'need',
  resourceAttributes: bag('DemandFlexNeed', {
    location,
    intervalPeriod: { start: TIMESTAMP, duration: 'PT30M' },
    payloadDescriptors: [{ objectType: 'EVENT_PAYLOAD_DESCRIPTOR', payloadType: 'PRICE', units: 'EUR_PER_KWH' }],
    intervals: [{ id: 0, payloads: [{ type: 'PRICE', values: [3.5, 'firm', true, { x: 1, y: 2 }] }] }],
  }),
}
const flexPerformance = bag('DemandFlexPerformance', {
  eventId: 'e',
  methodology: 'm',
  metersRef: reference,
  meters: [{ meterId: 'm1', telemetry: { ...series(), '@type': 'TimeSeries' } }],
  pageInfo: {
    '@type': 'PageInfo',
    sequence: 0,
    isLast: true,
    pageSize: 10,
    total: 1,
    cursor: 'c',
    nextCursor: null,
    collectionId: 'x',
  },
})

const contract = {
  id: '996d1940-7296-48a6-8e61-22d342915277',
  descriptor,
  status: { code: 'ACTIVE' },
  commitments: [
    {
      id: 'c1',
      status: { descriptor: { code: 'ACTIVE' } },
      resources,
      offer: { id: 'noon', resourceIds: ['r0'] },
      commitmentAttributes: series(),
    },
  ],
  consideration: considerations,
  participants: [
    ...participants('buyer', 'seller'),
    {
      id: 'utility',
      participantAttributes: bag(
        'DiscomLedgerProvider',
        { discomId: 'd', discomUri: 'https://d.example', ledgerId: 'l', ledgerUri: 'https://l.example' },
        'DiscomLedgerProvider',
        'v1.0',
      ),
    },
  ],
  performance: [
    { id: 'p', status: { code: 'DELIVERED' }, commitmentIds: ['c1'], performanceAttributes: flexPerformance },
  ],
  settlements: [
    {
      id: 's1',
      considerationId: 'quote',
      status: 'COMMITTED',
      settlementAttributes: bag('SettlementTerm', { settlementStatus: 'PENDING' }),
    },
    { status: 'COMPLETE', settlementAttributes: bag('PaymentAction', { paymentStatus: 'SETTLED', paidAt: TIMESTAMP }) },
  ],
  contractAttributes: terms(BUYER),
}

const catalogs = [
  {
    id: 'catalog',
    descriptor,
    provider,
    isActive: true,
    validity,
    resources: [...resources, flexNeed],
    offers: [offer, flexOffer],
  },
]
const tracking = { contract, status: 'ACTIVE', url: 'https://example.org/track', trackingAttributes: customer('buyer') }
const rating = {
  target: { id: SELLER, descriptor, targetAttributes: customer('seller') },
  range: { min: 0, max: 5 },
  feedbackFormSubmission: {
    id: 'https://example.org/form',
    submissionId: contract.id,
    data: { said: 'fine' },
    submittedAt: TIMESTAMP,
  },
}
const support = { orderId: 'o', descriptor, channels: [customer('seller')] }
const intent = {
  textSearch: 'sun',
  filters: { type: 'jsonpath', expression: '$.catalogs[*]' },
  spatial: [{ op: 'S_DWITHIN', targets: ['$.x'], geometry, distanceMeters: 5, quantifier: 'ANY', srid: 'EPSG:4326' }],
  mediaSearch: {
    media: [
      {
        id: 'm',
        type: 'image',
        url: 'https://example.org/roof.png',
        contentType: 'image/png',
        textHint: 'roof',
        language: 'en',
        startMs: 0,
        endMs: 10,
      },
    ],
    options: {
      goals: ['visual-similarity'],
      augment_text_search: true,
      restrict_results_to_media_proximity: false,
    },
  },
}
const pull = {
  mode: 'INCREMENTAL',
  filters: { networkIds: ['n'], schemaTypes: ['t'] },
  catalogIds: ['c'],
  limit: 10,
  fromDate: TIMESTAMP,
  toDate: TIMESTAMP,
}
const results = [
  {
    catalogId: 'catalog',
    status: 'PARTIAL',
    errors: [{ errorCode: 'SCH_INVALID', errorMessage: 'no price' }],
    stats: { itemCount: 1, providerCount: 1, categoryCount: 0 },
  },
]

const BODIES: Readonly<Record<KnownAction, Fields>> = {
  discover: { intent },
  on_discover: { catalogs },
  'catalog/publish': { catalogs },
  'catalog/on_publish': { results },
  'catalog/pull': pull,
  select: { contract },
  on_select: { contract },
  init: { contract },
  on_init: { contract },
  confirm: { contract },
  on_confirm: { contract },
  status: { contract },
  on_status: { contract },
  update: { contract },
  on_update: { contract },
  cancel: { contract },
  on_cancel: { contract },
  track: { tracking },
  on_track: { tracking },
  rate: { ratingInputs: [rating] },
  on_rate: { ratings: [rating] },
  support: { support },
  on_support: { support },
}

/** The caller may change it at will. */
export function becknMessage(action: KnownAction): Message {
  const context = {
    action,
    version: '2.0.0',
    bapId: BUYER,
    bapUri: 'https://buyer.example.org/beckn',
    bppId: SELLER,
    bppUri: `libp2p://${SELLER}/beckn/2.0.0`,
    senderId: 'did:key:z6MkBuyer',
    receiverId: 'did:web:x',
    transactionId: '1268c204-675b-4adb-9321-b08231b147b2',
    messageId: 'acd9569e-7656-44f5-b5dd-b8f172593b3a',
    networkId: 'street',
    timestamp: TIMESTAMP,
    ttl: 'PT30S',
    key: 'k',
    try: false,
    schemaContext: [pack('EnergyTradeOffer', 'v2.0')],
    requestDigest: { digest: 'BLAKE-512=abcd' },
  }
  return structuredClone({ context, message: BODIES[action] })
}

export const ALL_ACTIONS = Object.keys(BODIES) as KnownAction[]

import type { MessageAnswer, StatusAnswer } from '../../src/daemon/commands.ts'
import type { JobAnswer } from '../../src/domains/tasks/commands.ts'
import type { CatalogHereAnswer, NeedAnswer, TradeAnswer } from '../../src/domains/trading/commands.ts'
import type { MessageId, PeerId, SubjectId, TransactionId } from '../../src/kernel/ids.ts'

/** Whole answers of a daemon, for tests that are about a few fields of them. */
const SLOT = { startMs: Date.UTC(2026, 5, 1, 12), durationMs: 900_000 }

export const TRADE: TradeAnswer = {
  transactionId: 't-1' as TransactionId,
  role: 'buyer',
  counterparty: '12D3KooWNadia' as PeerId,
  offerId: 'o',
  slot: SLOT,
  energyWh: 500,
  priceMicro: 150_000,
  gridFeeMicro: 10_000,
  state: 'active',
  deadlineMs: 0,
  startedMs: 1_000_200,
}

export const NEED: NeedAnswer = {
  id: 'need-1',
  slot: SLOT,
  energyWh: 800,
  boughtWh: 0,
  maxPriceMicro: 300_000,
  state: 'searching',
  answered: [],
  searchUntilMs: 0,
  ranked: [],
  tried: 0,
  createdMs: 1_000_000,
  reason: 'you asked for it',
  steps: [],
}

export const TERMS: NonNullable<TradeAnswer['terms']> = {
  contractId: 'c-1',
  transactionId: TRADE.transactionId,
  buyer: '12D3KooWOmar1' as PeerId,
  seller: '12D3KooWNadia' as PeerId,
  offerId: 'o',
  slot: SLOT,
  energyWh: 500,
  priceMicro: 150_000,
  gridFeeMicro: 10_000,
  currency: 'EUR',
  revision: 1,
  shortfall: { utilityPriceMicro: 250_000, penaltyMicro: 50_000, tolerancePercent: 5 },
}

const NOBODY = { bootstrap: 0, mdns: 0, dht: 0, cache: 0 }
export const STATUS: StatusAnswer = {
  peerId: '12D3KooWOmar1' as PeerId,
  did: 'did:key:z6Mk',
  name: 'Omar',
  roles: ['household'],
  network: 'wattmesh',
  zone: 'zone-1',
  version: '0.1.0',
  home: '/home',
  startedMs: 0,
  nowMs: 1,
  addresses: [],
  marketNowMs: 1,
  peers: { connected: 0, known: 0, discovered: NOBODY },
  dhtPeers: 0,
  reachability: { status: 'unknown', addresses: [] },
  trading: { trades: {}, needs: {}, catalogs: 0 },
  work: { offered: false, open: 0, running: 0 },
  journal: {},
  memoryBytes: 1,
}

export const CATALOG: CatalogHereAnswer = {
  seller: '12D3KooWNadia' as PeerId,
  version: 1,
  role: 'household',
  sourceType: 'SOLAR',
  currency: 'EUR',
  validUntilMs: SLOT.startMs,
  offers: [],
}

export const MESSAGE: MessageAnswer = {
  seq: 1,
  direction: 'in',
  id: 'm1' as MessageId,
  type: 'beckn.on_select',
  taskId: 't-1' as SubjectId,
  at: 0,
  expires: 1,
  envelope: '{}',
  carrier: 'stream',
  sealed: false,
  state: 'handled',
  attempts: 0,
}

export const JOB: JobAnswer = {
  id: 'j',
  kind: 'chunk',
  version: 1,
  params: {},
  texts: 1,
  total: 1,
  createdMs: 0,
  state: 'done',
  priority: 0,
  needs: { memoryMb: 400 },
  privacy: 'public',
  peers: [],
  after: [],
  verify: 'adaptive',
  requestHash: '',
  steps: [],
}

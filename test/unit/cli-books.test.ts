import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verdictOf } from '../../src/cli/books/receipt.ts'
import { parseMoney } from '../../src/cli/terminal/units.ts'
import { sparkline } from '../../src/cli/utility/sparkline.ts'
import { type Receipt, type ReceiptBody, receiptText } from '../../src/protocol/contract.ts'
import { identityFromSeed } from '../../src/protocol/keys.ts'
import { openFakeDaemon, runIn } from '../support/fake-daemon.ts'
import { TRADE as ANY_TRADE } from '../support/whole-answers.ts'

const [BUYER, SELLER] = [1, 2].map(fill => identityFromSeed(new Uint8Array(32).fill(fill))) as [
  ReturnType<typeof identityFromSeed>,
  ReturnType<typeof identityFromSeed>,
]
const SLOT = { startMs: Date.UTC(2026, 5, 1, 12), durationMs: 900_000 }
const PEERS = [
  { peer: SELLER.peerId, name: 'Nadia' },
  { peer: BUYER.peerId, name: 'Omar' },
]

const BODY: ReceiptBody = {
  contractHash: 'ab'.repeat(32),
  slot: SLOT,
  buyer: BUYER.peerId,
  seller: SELLER.peerId,
  settledWh: 480,
  quality: 'OK',
}
const RECEIPT: Receipt = {
  body: BODY,
  signatures: { buyer: BUYER.sign(receiptText(BODY)), seller: SELLER.sign(receiptText(BODY)) },
}

const LEDGER = {
  currency: 'EUR',
  balances: [
    { account: 'energy sold', micro: -72_000 },
    { account: `neighbour:${BUYER.peerId}`, micro: 72_000 },
  ],
  neighbours: [
    { peer: BUYER.peerId, name: 'Omar', balanceMicro: 72_000, limitMicro: 5_000_000, unsettledWh: 250 },
    { peer: SELLER.peerId, name: 'Nadia', balanceMicro: -1_500_000, limitMicro: 5_000_000, unsettledWh: 0 },
  ],
  batches: [
    {
      id: 'c1',
      counterparty: BUYER.peerId,
      atMs: 0,
      kind: 'settlement',
      description: 'sold 0.48 kWh',
      postings: [
        { account: 'energy sold', micro: -72_000 },
        { account: `neighbour:${BUYER.peerId}`, micro: 72_000 },
      ],
    },
  ],
  sumMicro: 0,
  unbalanced: 0,
}

test('a receipt verifies from its file alone, and shows no price', async () => {
  await using daemon = await openFakeDaemon({ 'GET /v1/peers': PEERS, 'GET /v1/receipts': [RECEIPT] })
  const saved = await daemon.run('receipt', 'save', 'abab', 'proof.json')
  expect(saved.code).toBe(0)
  const proof = await runIn('/nowhere', ['receipt', 'verify', join(daemon.home, 'proof.json')])
  expect(proof.code).toBe(0)
  expect(proof.out).toContain('480 Wh, as metered by both')
  expect(proof.out).toContain(SELLER.peerId)
  expect(readFileSync(join(daemon.home, 'proof.json'), 'utf8')).not.toMatch(/price|meter/i)
})

test('a saved receipt is never written over', async () => {
  await using daemon = await openFakeDaemon({ 'GET /v1/receipts': [RECEIPT] })
  writeFileSync(join(daemon.home, 'receipt-abababab.json'), 'mine')
  const { code, err } = await daemon.run('receipt', 'save', 'ab')
  expect(code).toBe(1)
  expect(err).toContain('is there already')
  expect(readFileSync(join(daemon.home, 'receipt-abababab.json'), 'utf8')).toBe('mine')
})

test('whatever is changed in a receipt, it proves nothing any more and says why', async () => {
  const changes: [object, string][] = [
    [{ ...RECEIPT, body: { ...BODY, settledWh: 481 } }, 'signature'],
    [{ ...RECEIPT, body: { ...BODY, buyer: SELLER.peerId } }, 'signature'],
    [{ ...RECEIPT, signatures: { ...RECEIPT.signatures, buyer: RECEIPT.signatures.seller } }, 'signature'],
    [{ ...RECEIPT, body: { ...BODY, priceMicro: 1 } }, 'priceMicro'],
    [{ ...RECEIPT, signatures: {} }, 'signatures'],
    [[], 'no receipt'],
  ]
  for (const [changed, said] of changes) {
    expect(verdictOf(JSON.stringify(changed))).toEqual({ good: false, reason: expect.stringContaining(said) })
  }
  expect(verdictOf('{')).toMatchObject({ good: false, reason: expect.stringContaining('not JSON') })
  await using daemon = await openFakeDaemon()
  const file = join(daemon.home, 'bad.json')
  writeFileSync(file, JSON.stringify(changes[0]?.[0]))
  expect(await daemon.run('receipt', 'verify', file)).toMatchObject({ code: 1, out: expect.stringContaining('✘') })
  expect(await daemon.run('receipt', 'verify', 'absent.json')).toMatchObject({
    code: 1,
    err: expect.stringContaining('cannot be read'),
  })
})

test('receipts are listed by names', async () => {
  await using daemon = await openFakeDaemon({ 'GET /v1/peers': PEERS, 'GET /v1/receipts': [RECEIPT] })
  expect((await daemon.run('receipt', 'list')).out).toMatch(/abababab +.* +Nadia +Omar +480 Wh +yes/)
})

test('the ledger says who owes whom, and that it sums to zero', async () => {
  await using daemon = await openFakeDaemon({ 'GET /v1/ledger': LEDGER, 'GET /v1/peers': PEERS })
  const { code, out } = await daemon.run('ledger')
  expect(code).toBe(0)
  expect(out).toMatch(/Omar +they do +0\.0720 EUR +5\.0000 EUR +1 % +250 Wh/)
  expect(out).toMatch(/Nadia +we do +1\.5000 EUR +5\.0000 EUR +30 %/)
  expect(out).toMatch(/sum +0\.0000 EUR/)
  const one = await daemon.run('ledger', 'Omar')
  expect(one.out).toContain('sold 0.48 kWh')
  expect(one.out).not.toContain('Nadia')
  expect(JSON.parse((await daemon.run('ledger', '--json')).out)).toEqual(LEDGER)
})

test('books that do not sum to zero are an alarm', async () => {
  await using daemon = await openFakeDaemon({ 'GET /v1/ledger': { ...LEDGER, sumMicro: 1 } })
  const { code, out } = await daemon.run('ledger')
  expect(code).toBe(1)
  expect(out).toContain('must be zero')
})

test('netting and payments are asked for by the name of the neighbour', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'POST /v1/ledger/net': {},
    'POST /v1/ledger/paid': {},
  })
  await daemon.run('ledger', 'net', 'Omar')
  const paid = await daemon.run('ledger', 'paid', 'Omar', '12.50')
  expect(paid.out).toContain('12.5000 paid')
  expect(daemon.posted).toEqual([
    { path: '/v1/ledger/net', body: { peer: BUYER.peerId } },
    { path: '/v1/ledger/paid', body: { peer: BUYER.peerId, micro: 12_500_000 } },
  ])
  for (const wrong of ['0', '-1', '1,5', 'much', '1e9']) {
    expect(() => parseMoney(wrong)).toThrow(expect.objectContaining({ code: 'CLI_BAD_AMOUNT' }))
  }
})

const TRADE = {
  ...ANY_TRADE,
  counterparty: SELLER.peerId,
  state: 'settled',
  contract: {
    terms: {
      contractId: 'c-1',
      transactionId: 't-1',
      buyer: BUYER.peerId,
      seller: SELLER.peerId,
      offerId: 'o',
      slot: SLOT,
      energyWh: 500,
      priceMicro: 150_000,
      gridFeeMicro: 10_000,
      currency: 'EUR',
      revision: 2,
      shortfall: { utilityPriceMicro: 250_000, penaltyMicro: 50_000, tolerancePercent: 5 },
    },
    signatures: { buyer: 'b', seller: 's' },
  },
  signaturesGood: { buyer: true, seller: true },
  settlement: {
    contractId: 'c-1',
    slot: SLOT,
    finalWh: 480,
    shortfallWh: 20,
    quality: 'OK',
    seller: { energyWh: 480, quality: 'OK' },
    buyer: { energyWh: 500, quality: 'OK' },
    flows: [
      { role: 'buyer', micro: -72_000, description: 'energy' },
      { role: 'seller', micro: 72_000, description: 'energy' },
    ],
  },
}

test('a contract shows parties by name, its terms, both signatures, and flows that sum to zero', async () => {
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/trades': [TRADE],
    'GET /v1/trades/t-1': TRADE,
  })
  const { code, out } = await daemon.run('contract', 'show', 't')
  expect(code).toBe(0)
  expect(out).toContain(`Nadia (${SELLER.peerId})`)
  expect(out).toContain('c-1, revision 2')
  expect(out).toContain('buyer ✔ good; seller ✔ good')
  expect(out).toContain('480 Wh (seller gave 480 Wh, buyer took 500 Wh, 20 Wh filled in by the utility)')
  expect(out).toMatch(/buyer +-0\.0720 EUR +energy/)
  expect(out).toMatch(/sum +0\.0000 EUR/)
})

test('a bad signature and flows that do not sum to zero are failures', async () => {
  const forged = { ...TRADE, signaturesGood: { buyer: true, seller: false } }
  const flows = TRADE.settlement.flows.slice(1)
  const routes = { 'GET /v1/peers': PEERS, 'GET /v1/trades': [TRADE] }
  await using one = await openFakeDaemon({ ...routes, 'GET /v1/trades/t-1': forged })
  expect(await one.run('contract', 'show', 't-1')).toMatchObject({ code: 1, out: expect.stringContaining('seller ✘') })
  const lopsided = { ...TRADE, settlement: { ...TRADE.settlement, flows } }
  await using other = await openFakeDaemon({ ...routes, 'GET /v1/trades/t-1': lopsided })
  expect(await other.run('contract', 'show', 't-1')).toMatchObject({
    code: 1,
    out: expect.stringContaining('must be zero'),
  })
})

test('a trade without a contract says so', async () => {
  const { contract: _, ...unsigned } = { ...TRADE, state: 'refused', reason: 'the slot has begun' }
  await using daemon = await openFakeDaemon({
    'GET /v1/peers': PEERS,
    'GET /v1/trades': [unsigned],
    'GET /v1/trades/t-1': unsigned,
  })
  const { code, err } = await daemon.run('contract', 'show', 't-1')
  expect(code).toBe(1)
  expect(err).toContain('nothing has been signed')
  expect(err).toContain('the slot has begun')
})

test('a utility sees each household on one scale, and how the last round went', async () => {
  const household = (peer: string, name: string, values: number[]) => ({
    peer,
    name,
    socWh: values.at(-1),
    atMs: 0,
    points: values.map((socWh, atMs) => ({ atMs, socWh })),
  })
  await using daemon = await openFakeDaemon({
    'GET /v1/utility/soc': {
      rounds: [{ startedMs: 0, tookMs: 240, asked: 9, answered: 7, refused: 1, silent: 2, silentPeers: [] }],
      view: [],
      households: [household('p2', 'house-10', [8000, 7000]), household('p1', 'house-2', [0, 4000])],
    },
  })
  const { out } = await daemon.run('utility', 'soc')
  expect(out).toMatch(/house-2 +4 kWh .* \+4 kWh +▁▅/)
  expect(out).toMatch(/house-10 +7 kWh .* −1 kWh +██/)
  expect(out.indexOf('house-2')).toBeLessThan(out.indexOf('house-10'))
  expect(out).toContain('7 of 9 asked answered, 1 do not consent, 2 were silent, in 240 ms')
})

test('a sparkline keeps its width, its newest value, and its scale', () => {
  expect(sparkline([0, 50, 100], { least: 0, most: 100, width: 8 })).toBe('▁▅█')
  const long = sparkline(
    Array.from({ length: 100 }, (_, i) => i),
    { least: 0, most: 99, width: 20 },
  )
  expect(long).toHaveLength(20)
  expect(long.at(-1)).toBe('█')
  expect(sparkline([5, 5], { least: 0, most: 0, width: 8 })).toBe('▁▁')
})

test('a report is written where it was asked for, both for programs and for people', async () => {
  await using daemon = await openFakeDaemon({ 'GET /v1/report': { json: '{}\n', html: '<!doctype html>' } })
  const { out } = await daemon.run('utility', 'report', '--out', 'deep/down')
  expect(out).toContain(join(daemon.home, 'deep', 'down', 'report.html'))
  expect(readFileSync(join(daemon.home, 'deep', 'down', 'report.html'), 'utf8')).toBe('<!doctype html>')
  expect(existsSync(join(daemon.home, 'deep', 'down', 'report.json'))).toBe(true)
})

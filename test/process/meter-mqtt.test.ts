import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Aedes } from 'aedes'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, expect, test, vi } from 'vitest'
import { allocate, throughMeter } from '../../src/domains/books/allocation.ts'
import { createMetering, type Metering } from '../../src/domains/energy/meter/metering.ts'
import { createMqttMeter, type MqttMeter } from '../../src/domains/energy/meter/mqtt-meter.ts'
import { meteredOf, type Reading, verifyChain } from '../../src/domains/energy/meter/reading-chain.ts'
import { energyStore } from '../../src/domains/energy/store.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import { identityFromSeed, verifySignature } from '../../src/protocol/keys.ts'
import { openPeer } from '../support/open-domain.ts'

const SLOT = 900_000
const GRACE = 60_000
const IMPORT = 'house/import_wh'
const EXPORT = 'house/export_wh'
const owner = identityFromSeed(new Uint8Array(32).fill(7))

const stops: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

/** A real broker, which can be taken away and brought back at the same address. */
async function openBroker(port = 0) {
  const broker = await Aedes.createBroker()
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    broker.handle(socket)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  let gone = false
  const stop = async (): Promise<void> => {
    if (gone) return
    gone = true
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
    await new Promise<void>(resolve => broker.close(resolve))
  }
  stops.push(stop)
  return { broker, port: (server.address() as AddressInfo).port, stop }
}

async function openReader(port: number): Promise<MqttClient> {
  const reader = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 50 })
  stops.push(() => reader.endAsync(true))
  return reader
}

interface Home {
  readonly meter: MqttMeter
  readonly metering: Metering
  readonly chain: Reading[]
  readonly warnings: string[]
  /** Lets the reader publish both registers when the clock shows `slots` slots; resolves when the meter has them. */
  says(reader: MqttClient, slots: number, importWh: unknown, exportWh?: unknown): Promise<void>
  /** The readings kept when the clock shows `slots` slots. */
  at(slots: number): readonly Reading[]
}

interface Setting {
  readonly traded?: Record<number, { boughtWh: number; soldWh: number }>
  readonly exportTopic?: string
}

async function openHome(port: number, { traded = {}, exportTopic = EXPORT }: Setting = {}): Promise<Home> {
  let nowMs = 0.5 * SLOT
  let heard = 0
  const warnings: string[] = []
  const warn: Log['warn'] = (_, message) => void warnings.push(message)
  const meter = createMqttMeter({
    url: `mqtt://127.0.0.1:${port}`,
    importTopic: IMPORT,
    exportTopic,
    slotMs: SLOT,
    now: () => nowMs,
    heard: () => void heard++,
    log: { ...silentLog, warn, info: () => undefined, debug: () => undefined },
  })
  const { storage } = openPeer()
  const { read, apply } = storage.open({ name: 'energy', store: energyStore })
  const metering = createMetering({
    meter,
    meterId: IMPORT,
    slotMs: SLOT,
    graceMs: () => GRACE,
    now: () => nowMs,
    sign: owner.sign,
    store: {
      ...read,
      owedSlots: () => [],
      tradedWh: slot => traded[slot] ?? { boughtWh: 0, soldWh: 0 },
    },
  })
  stops.push(() => meter.stop?.())
  await meter.start?.()
  await vi.waitFor(() => expect(meter.listening()).toBe(true), 10_000)
  return {
    meter,
    metering,
    get chain() {
      return read.chain(IMPORT, 0, 1_000)
    },
    warnings,
    async says(reader, slots, importWh, exportWh = 0) {
      nowMs = slots * SLOT
      const until = heard + (exportTopic === '' ? 1 : 2)
      await reader.publishAsync(IMPORT, payload(importWh), { qos: 1 })
      await reader.publishAsync(EXPORT, payload(exportWh), { qos: 1 })
      await vi.waitFor(() => expect(heard).toBe(until), 10_000)
    },
    at(slots) {
      nowMs = slots * SLOT
      const { facts } = metering.turn()
      for (const fact of facts) apply(fact)
      return facts.map(({ reading }) => reading)
    },
  }
}

function payload(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const brief = (readings: readonly Reading[]) =>
  readings.map(({ slot, importWh, exportWh, quality }) => [slot, importWh, exportWh, quality] as const)
const verify = (text: string, signature: string): boolean => verifySignature(owner.peerId, text, signature) === true

test('a meter on MQTT gives each slot what its registers counted, from plain numbers and from JSON', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  const home = await openHome(port)
  await home.says(reader, 0.9, 1_000, 500)
  await home.says(reader, 1.1, { value: 1_100, unit: 'Wh' }, '500.0')
  await home.says(reader, 1.9, '1500', { value: '500' })
  await home.says(reader, 2.1, 1_600, 500)
  await home.says(reader, 2.9, 1_600, 980)
  await home.says(reader, 3.1, 1_600, 1_020)
  expect(brief(home.at(3.1))).toEqual([
    [1, 500, 0, 'OK'],
    [2, 0, 450, 'OK'],
  ])
  expect(verifyChain(home.chain, verify)).toBeUndefined()
  expect(home.warnings).toEqual([])
})

test('a meter that falls silent is estimated after the grace, and settles nothing it cannot show', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  const home = await openHome(port, { traded: { 2: { boughtWh: 0, soldWh: 400 } } })
  await home.says(reader, 0.9, 0)
  await home.says(reader, 1.1, 20)
  await home.says(reader, 2.05, 100)
  expect(brief(home.at(2.1))).toEqual([[1, expect.any(Number), 0, 'OK']])
  expect(home.at(3.05)).toEqual([])
  const [reading] = home.at(3.1)
  expect(reading).toMatchObject({ slot: 2, importWh: 0, exportWh: 0, quality: 'ESTIMATED', substitutes: 'MISSING' })
  const { exportWh, quality } = throughMeter(meteredOf(reading ?? expect.fail('no reading')), {
    boughtWh: 0,
    soldWh: 400,
  })
  expect([...allocate(exportWh, quality, [{ contractId: 'c', energyWh: 400 }]).values()]).toEqual([
    { energyWh: 0, quality: 'ESTIMATED' },
  ])
  expect(verifyChain(home.chain, verify)).toBeUndefined()
})

test('a meter that speaks after the grace corrects its substitute and reopens nothing', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  const home = await openHome(port)
  await home.says(reader, 0.9, 0)
  await home.says(reader, 1.1, 20)
  await home.says(reader, 1.9, 100)
  expect(brief(home.at(2.2))).toEqual([[1, 0, 0, 'ESTIMATED']])
  await home.says(reader, 2.4, 150)
  expect(home.at(2.4)).toMatchObject([{ slot: 1, importWh: 100, quality: 'OK', corrects: home.chain[0]?.hash }])
  expect(verifyChain(home.chain, verify)).toBeUndefined()
})

test('a meter that runs backwards is flagged, never negative, and believed again in the slot after', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  const home = await openHome(port)
  await home.says(reader, 0.9, 50_000, 10)
  await home.says(reader, 1.1, 50_100, 10)
  await home.says(reader, 1.5, 4, 10)
  await home.says(reader, 1.9, 40, 10)
  await home.says(reader, 2.1, 60, 10)
  await home.says(reader, 2.9, 100, 10)
  await home.says(reader, 3.1, 120, 10)
  expect(home.meter.reading(1)).toEqual({ slot: 1, importWh: 0, exportWh: 0, quality: 'BAD' })
  expect(brief(home.at(3.1))).toEqual([
    [1, 0, 0, 'ESTIMATED'],
    [2, 60, 0, 'OK'],
  ])
  expect(home.chain[0]).toMatchObject({ substitutes: 'BAD' })
  expect(home.warnings).toEqual([expect.stringContaining('ran backwards')])
})

test('what is no register is passed over', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  const home = await openHome(port)
  await home.says(reader, 0.9, 0)
  for (const nonsense of [
    'unavailable',
    '',
    '-5',
    'NaN',
    '{"value":null}',
    '{"value":[1]}',
    '{',
    '1e99',
    'x'.repeat(5_000),
  ])
    await reader.publishAsync(IMPORT, nonsense, { qos: 1 })
  await home.says(reader, 1.1, 20)
  await home.says(reader, 1.9, 100)
  await home.says(reader, 2.1, 120)
  expect(brief(home.at(2.1))).toEqual([[1, 100, 0, 'OK']])
})

test('a retained value is no sample: nobody knows how old it is', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  for (const topic of [IMPORT, EXPORT]) await reader.publishAsync(topic, '900000', { qos: 1, retain: true })
  const home = await openHome(port)
  // Were it one, this would be a register that runs backwards.
  await home.says(reader, 0.9, 1_000)
  await home.says(reader, 1.1, 1_100)
  await home.says(reader, 1.9, 1_500)
  await home.says(reader, 2.1, 1_600)
  expect(brief(home.at(2.1))).toEqual([[1, 500, 0, 'OK']])
  expect(home.warnings).toEqual([])
})

test('a broker that goes away is found again, and what it missed is missing', async () => {
  const first = await openBroker()
  const home = await openHome(first.port)
  await home.says(await openReader(first.port), 0.9, 0)
  await first.stop()
  await vi.waitFor(() => expect(home.meter.listening()).toBe(false), 10_000)
  const second = await openBroker(first.port)
  await vi.waitFor(() => expect(home.meter.listening()).toBe(true), 10_000)
  const reader = await openReader(second.port)
  await home.says(reader, 2.95, 1_000)
  await home.says(reader, 3.05, 1_100)
  await home.says(reader, 4.01, 1_200)
  expect(brief(home.at(4.1)).map(([slot, , , quality]) => [slot, quality])).toEqual([
    [1, 'ESTIMATED'],
    [2, 'ESTIMATED'],
    [3, 'OK'],
  ])
  // Said once, not with every attempt.
  expect(home.warnings).toEqual([expect.stringContaining('the meter cannot be read')])
})

test('a daemon starts though its broker is not there, and says so once', async () => {
  const { port, stop } = await openBroker()
  await stop()
  const warnings: object[] = []
  const meter = createMqttMeter({
    url: `mqtt://user:secret@127.0.0.1:${port}`,
    importTopic: IMPORT,
    exportTopic: '',
    slotMs: SLOT,
    now: () => 0,
    heard: () => undefined,
    log: { ...silentLog, warn: fields => void warnings.push(fields) },
  })
  stops.push(() => meter.stop?.())
  await meter.start?.()
  await vi.waitFor(() => expect(warnings).toHaveLength(1), 10_000)
  expect(JSON.stringify(warnings)).toContain(`mqtt://127.0.0.1:${port}`)
  expect(JSON.stringify(warnings)).not.toContain('secret')
  expect(meter.reading(1)).toBeUndefined()
})

test('a household that never exports needs no topic for it', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  const home = await openHome(port, { exportTopic: '' })
  await home.says(reader, 0.9, 90)
  await home.says(reader, 1.1, 110)
  await home.says(reader, 1.9, 170)
  await home.says(reader, 2.1, 190)
  expect(brief(home.at(2.1))).toEqual([[1, 80, 0, 'OK']])
})

test('a meter on MQTT tells what flows now, and nothing once a register was silent or ran backwards', async () => {
  const { port } = await openBroker()
  const reader = await openReader(port)
  const home = await openHome(port)
  const minute = 60_000 / SLOT
  await home.says(reader, 1, 1_000, 500)
  await home.says(reader, 1 + minute, 1_001, 521)
  expect(home.meter.power()).toEqual({ exportW: 1_200, fromMs: SLOT, toMs: SLOT + 60_000 })
  home.at(1 + 3.1 * minute)
  expect(home.meter.power()).toBeUndefined()
  await home.says(reader, 1 + 4 * minute, 1_101, 522)
  await home.says(reader, 1 + 5 * minute, 1_131, 522)
  expect(home.meter.power()?.exportW).toBe(-1_800)
  await home.says(reader, 1 + 5.1 * minute, 3, 522)
  expect(home.meter.power()).toBeUndefined()
})

test.each([
  ['no address', { url: 'nonsense' }, 'no address of a broker'],
  ['an address of something else', { url: 'http://127.0.0.1' }, 'no address of a broker'],
  ['a pattern for a topic', { importTopic: 'house/#' }, 'no topic of one register'],
  ['one topic for both', { importTopic: EXPORT }, 'the same topic'],
])('%s is refused before anything starts', (_, wrong, why) => {
  const right = { url: 'mqtt://127.0.0.1', importTopic: IMPORT, exportTopic: EXPORT }
  const place = { ...right, ...wrong }
  const rest = { slotMs: SLOT, now: () => 0, heard: () => undefined, log: silentLog }
  expect(() => createMqttMeter({ ...place, ...rest })).toThrow(
    expect.objectContaining({ code: 'ENERGY_METER', message: expect.stringContaining(why) }),
  )
})

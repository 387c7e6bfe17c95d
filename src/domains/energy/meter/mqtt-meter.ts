import { CodedError } from '../../../kernel/errors.ts'
import type { Part } from '../../../kernel/lifecycle.ts'
import type { Log } from '../../../kernel/log.ts'
import { createBroker } from './broker.ts'
import { createFlow, netPower, type RecentFlow } from './flow.ts'
import { type Meter, type NetPower, netReading, type SlotReading } from './meter.ts'
import { type Break, createRegister, type Register } from './register.ts'

export interface MqttMeterDeps {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`, with user and password where the broker wants them. */
  readonly url: string
  /** Topics of the two registers, in Wh since ever. An empty one: that way nothing ever flows. */
  readonly importTopic: string
  readonly exportTopic: string
  readonly slotMs: number
  /** Market time: slots follow it. */
  now(): number
  /** The meter has said something. */
  heard(): void
  readonly log: Log
}

export interface MqttMeter extends Meter, Part {
  /** Whether the broker is reached and both topics are subscribed. */
  listening(): boolean
  power(): NetPower | undefined
}

/** One topic: what it counted in each slot, and how fast it counts now. */
interface Counter {
  readonly register: Register
  readonly flow: RecentFlow
}

interface Listening extends MqttMeterDeps {
  /** By topic. */
  readonly counters: ReadonlyMap<string, Counter>
}

const BREAKS: Readonly<Record<Break, string>> = {
  backwards: 'the meter ran backwards: a reset, a new meter or a defect; this slot is estimated',
  jump: 'the meter counted more than can flow: a new meter or a defect; this slot is estimated',
}
/** No register is written with more. */
const MAX_PAYLOAD = 4_096
const MAX_REGISTER_WH = 1e12

/**
 * The household's real meter, read by Home Assistant, Tasmota, Zigbee2MQTT or the like and published as two registers:
 * a plain number, or JSON with a number called `value`. A broker that is not there is tried again for ever; what it
 * missed meanwhile is missing. Throws ENERGY_METER when the address or a topic cannot be right.
 */
export function createMqttMeter(deps: MqttMeterDeps): MqttMeter {
  const { url, importTopic, exportTopic, log } = deps
  const place = checkedPlace(url)
  const counters = countersOf(deps)
  const listening: Listening = { ...deps, counters }
  const broker = createBroker({
    url,
    place,
    topics: [...counters.keys()],
    heard: (topic, payload) => hear(topic, payload, listening),
    log,
  })

  return {
    name: 'meter',
    start: broker.start,
    stop: broker.stop,
    listening: broker.listening,
    power: () => netPower(counters.get(importTopic)?.flow, counters.get(exportTopic)?.flow, deps.now()),
    reading(slotNumber): SlotReading | undefined {
      const inWh = countedWh(importTopic, slotNumber, listening)
      const outWh = countedWh(exportTopic, slotNumber, listening)
      if (inWh === 'BROKEN' || outWh === 'BROKEN') return { slot: slotNumber, importWh: 0, exportWh: 0, quality: 'BAD' }
      return inWh === undefined || outWh === undefined ? undefined : netReading(slotNumber, inWh, outWh)
    },
  }
}

function countersOf({ importTopic, exportTopic, slotMs }: MqttMeterDeps): ReadonlyMap<string, Counter> {
  const counters = new Map<string, Counter>()
  for (const topic of [importTopic, exportTopic])
    if (topic !== '') counters.set(checkedTopic(topic), { register: createRegister(slotMs), flow: createFlow() })
  if (importTopic === exportTopic) throw unusable('both registers have the same topic', 'name two topics')
  return counters
}

function hear(topic: string, payload: Buffer, { counters, now, heard, log }: Listening): void {
  const counter = counters.get(topic)
  if (counter === undefined) return
  const wh = registerValue(payload)
  if (wh === undefined) {
    log.debug({ topic, payload: payload.subarray(0, 80).toString() }, 'the meter said something that is no register')
    return
  }
  const atMs = now()
  const found = counter.register.sample(atMs, wh)
  if (found !== undefined) {
    log.warn({ topic, wh }, BREAKS[found])
    counter.flow.forget()
  }
  counter.flow.sample(atMs, wh)
  heard()
}

function countedWh(topic: string, slotNumber: number, { counters }: Listening): ReturnType<Register['countedWh']> {
  return topic === '' ? 0 : counters.get(topic)?.register.countedWh(slotNumber)
}

/** Wh; undefined when it is no register: `unavailable`, as Home Assistant says it, or nonsense. */
function registerValue(payload: Buffer): number | undefined {
  if (payload.length > MAX_PAYLOAD) return undefined
  const said = jsonValue(payload.toString().trim())
  const wh = typeof said === 'string' && said !== '' ? Number(said) : said
  return typeof wh === 'number' && wh >= 0 && wh <= MAX_REGISTER_WH ? wh : undefined
}

function jsonValue(text: string): unknown {
  if (!text.startsWith('{')) return text
  try {
    return (JSON.parse(text) as { value?: unknown }).value
  } catch {
    return undefined
  }
}

/** The address without user and password, for the log. */
function checkedPlace(url: string): string {
  const address = URL.parse(url)
  if (address === null || !/^(mqtts?|wss?):$/.test(address.protocol) || address.hostname === '')
    throw unusable(
      `${JSON.stringify(url.replace(/\/\/.*@/, '//…@'))} is no address of a broker`,
      'as in mqtt://192.168.1.2:1883',
    )
  return `${address.protocol}//${address.host}`
}

function checkedTopic(topic: string): string {
  if (/[+#\0]/.test(topic)) throw unusable(`${JSON.stringify(topic)} is no topic of one register`, 'use no + and no #')
  return topic
}

function unusable(why: string, what: string): CodedError {
  return new CodedError('ENERGY_METER', `cannot read the meter: ${why}`, {
    hint: `check meter.mqttUrl, meter.mqttImportTopic and meter.mqttExportTopic: ${what}`,
  })
}

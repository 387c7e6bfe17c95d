import { connect, type IPublishPacket, type MqttClient } from 'mqtt'
import { CodedError, messageOf } from '../../../kernel/errors.ts'
import type { Part } from '../../../kernel/lifecycle.ts'
import type { Log } from '../../../kernel/log.ts'
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

const BREAKS: Readonly<Record<Break, string>> = {
  backwards: 'the meter ran backwards: a reset, a new meter or a defect; this slot is estimated',
  jump: 'the meter counted more than can flow: a new meter or a defect; this slot is estimated',
}
const RECONNECT_MS = 2_000
const CONNECT_TIMEOUT_MS = 10_000
/** No register is written with more. */
const MAX_PAYLOAD = 4_096
const MAX_REGISTER_WH = 1e12

/**
 * The household's real meter, read by Home Assistant, Tasmota, Zigbee2MQTT or the like and published as two registers:
 * a plain number, or JSON with a number called `value`. A broker that is not there is tried again for ever; what it
 * missed meanwhile is missing. Throws ENERGY_METER when the address or a topic cannot be right.
 */
export function createMqttMeter(deps: MqttMeterDeps): MqttMeter {
  const { url, importTopic, exportTopic, slotMs, log } = deps
  const place = checkedPlace(url)
  const counters = new Map<string, Counter>()
  for (const topic of [importTopic, exportTopic])
    if (topic !== '') counters.set(checkedTopic(topic), { register: createRegister(slotMs), flow: createFlow() })
  if (importTopic === exportTopic) throw unusable('both registers have the same topic', 'name two topics')
  let client: MqttClient | undefined
  let subscribed = false
  /** Said once until it is over, not with every attempt. */
  let complained = false

  function complain(reason: string): void {
    const fields = { broker: place, reason }
    if (!complained)
      log.warn(fields, 'the meter cannot be read; what it does not say is estimated. Is the broker there?')
    complained = true
  }

  async function subscribe(connected: MqttClient): Promise<void> {
    try {
      const granted = await connected.subscribeAsync([...counters.keys()], { qos: 1 })
      const refused = granted.filter(({ qos }) => qos === 128).map(({ topic }) => topic)
      if (refused.length > 0) return complain(`the broker refused ${refused.join(' and ')}`)
      subscribed = true
      complained = false
      log.info({ broker: place, topics: [...counters.keys()] }, 'reading the meter')
    } catch (error) {
      complain(messageOf(error))
    }
  }

  function heard(topic: string, payload: Buffer, { retain }: IPublishPacket): void {
    const counter = counters.get(topic)
    // A retained value is as old as nobody knows: it is no sample of now. Values published from here on are.
    if (counter === undefined || retain) return
    const wh = registerValue(payload)
    if (wh === undefined) {
      log.debug({ topic, payload: payload.subarray(0, 80).toString() }, 'the meter said something that is no register')
      return
    }
    const atMs = deps.now()
    const found = counter.register.sample(atMs, wh)
    if (found !== undefined) {
      log.warn({ topic, wh }, BREAKS[found])
      counter.flow.forget()
    }
    counter.flow.sample(atMs, wh)
    deps.heard()
  }

  function counted(topic: string, slotNumber: number): ReturnType<Register['countedWh']> {
    return topic === '' ? 0 : counters.get(topic)?.register.countedWh(slotNumber)
  }

  return {
    name: 'meter',
    start() {
      client = connect(url, {
        reconnectPeriod: RECONNECT_MS,
        connectTimeout: CONNECT_TIMEOUT_MS,
        reconnectOnConnackError: true,
        // Subscribed anew at each connection, by us: a refusal must be seen every time.
        clean: true,
        resubscribe: false,
      })
      const connected = client
      client.on('connect', () => void subscribe(connected))
      client.on('message', heard)
      client.on('error', error => complain(messageOf(error)))
      client.on('close', () => {
        subscribed = false
        if (client === connected) complain('the connection is closed')
      })
    },
    async stop() {
      const leaving = client
      client = undefined
      await leaving?.endAsync(true)
    },
    listening: () => subscribed,
    power: () => netPower(counters.get(importTopic)?.flow, counters.get(exportTopic)?.flow, deps.now()),
    reading(slotNumber): SlotReading | undefined {
      const [inWh, outWh] = [counted(importTopic, slotNumber), counted(exportTopic, slotNumber)]
      if (inWh === 'BROKEN' || outWh === 'BROKEN') return { slot: slotNumber, importWh: 0, exportWh: 0, quality: 'BAD' }
      return inWh === undefined || outWh === undefined ? undefined : netReading(slotNumber, inWh, outWh)
    },
  }
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

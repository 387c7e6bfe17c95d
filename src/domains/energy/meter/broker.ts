import { connect, type IPublishPacket, type MqttClient } from 'mqtt'
import { messageOf } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'

export interface BrokerDeps {
  readonly url: string
  /** The address without user and password, for the log. */
  readonly place: string
  readonly topics: readonly string[]
  /** Somebody has just published it: never what the broker has kept. */
  readonly heard: (topic: string, payload: Buffer) => void
  readonly log: Log
}

/** An MQTT broker, listened to. One that is not there is tried again for ever. */
export interface Broker {
  start(): void
  stop(): Promise<void>
  /** Whether it is reached and all topics are subscribed. */
  listening(): boolean
}

interface Line extends BrokerDeps {
  client: MqttClient | undefined
  subscribed: boolean
  /** Said once until it is over, not with every attempt. */
  complained: boolean
}

const RECONNECT_MS = 2_000
const CONNECT_TIMEOUT_MS = 10_000

export function createBroker(deps: BrokerDeps): Broker {
  const line: Line = { ...deps, client: undefined, subscribed: false, complained: false }
  return {
    start: () => callUp(line),
    async stop() {
      const leaving = line.client
      line.client = undefined
      await leaving?.endAsync(true)
    },
    listening: () => line.subscribed,
  }
}

function callUp(line: Line): void {
  const client = connect(line.url, {
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectOnConnackError: true,
    // Subscribed anew at each connection, by us: a refusal must be seen every time.
    clean: true,
    resubscribe: false,
  })
  line.client = client
  client.on('connect', () => void subscribe(client, line))
  client.on('message', (topic: string, payload: Buffer, { retain }: IPublishPacket) => {
    // A retained value is as old as nobody knows: it is no sample of now. Values published from here on are.
    if (!retain) line.heard(topic, payload)
  })
  client.on('error', error => complain(messageOf(error), line))
  client.on('close', () => {
    line.subscribed = false
    if (line.client === client) complain('the connection is closed', line)
  })
}

async function subscribe(client: MqttClient, line: Line): Promise<void> {
  const { place, topics, log } = line
  try {
    const granted = await client.subscribeAsync([...topics], { qos: 1 })
    const refused = granted.filter(({ qos }) => qos === 128).map(({ topic }) => topic)
    if (refused.length > 0) return complain(`the broker refused ${refused.join(' and ')}`, line)
    line.subscribed = true
    line.complained = false
    log.info({ broker: place, topics }, 'reading the meter')
  } catch (error) {
    complain(messageOf(error), line)
  }
}

function complain(reason: string, line: Line): void {
  const fields = { broker: line.place, reason }
  if (!line.complained)
    line.log.warn(fields, 'the meter cannot be read; what it does not say is estimated. Is the broker there?')
  line.complained = true
}

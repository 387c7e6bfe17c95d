import { Role, TaskState } from '@a2a-js/sdk'
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from '@a2a-js/sdk/client'
import { expect, test } from 'vitest'
import { createFetch } from '../../src/domains/agents/carrier.ts'
import { MAX_REQUEST_BYTES } from '../../src/domains/agents/frame.ts'
import { eventually, type TestHost } from '../support/network-hosts.ts'
import { type OPEN, SLOT, socMemory } from '../support/soc-memory.ts'
import { A2A_PROTOCOL, peersOf, type Resident, socStreet } from '../support/soc-street.ts'

const never = new AbortController().signal
const timeoutMs = 10_000

/** The SDK's own client, as anybody would build it, over streams to one peer. */
async function officialClient(host: TestHost, { host: { peerId } }: Resident) {
  const fetchImpl = createFetch((peer, bytes, options) => host.request(peer, A2A_PROTOCOL, bytes, options), peerId, {
    timeoutMs,
  })
  const cardResolver = new DefaultAgentCardResolver({ fetchImpl })
  const factory = new ClientFactory({ transports: [new JsonRpcTransportFactory({ fetchImpl })], cardResolver })
  return factory.createFromUrl(`libp2p://${peerId}/`)
}

function question(skill: string) {
  const part = { content: { $case: 'data', value: { skill } }, mediaType: '', filename: '', metadata: {} } as const
  return {
    tenant: '',
    configuration: undefined,
    metadata: undefined,
    message: {
      messageId: crypto.randomUUID(),
      contextId: '',
      taskId: '',
      role: Role.ROLE_USER,
      parts: [part],
      metadata: {},
      extensions: [],
      referenceTaskIds: [],
    },
  }
}

test('the official A2A client reads a household’s agent card and collects its state of charge over libp2p', async () => {
  await using street = socStreet()
  const household = await street.moveIn()
  const utility = await street.utility([household])
  const client = await officialClient(utility.host, household)

  const card = await client.getAgentCard()
  expect(card.skills.map(({ id }) => id)).toEqual(['state-of-charge'])
  expect(card.supportedInterfaces[0]?.url).toBe(`libp2p://${household.host.peerId}/a2a/1`)

  const task = await client.sendMessage(question('state-of-charge'))
  if (!('status' in task)) throw new Error('a task was wanted')
  expect(task.status?.state).toBe(TaskState.TASK_STATE_COMPLETED)
  expect(task.artifacts[0]?.parts[0]?.content).toEqual({
    $case: 'data',
    value: {
      '@context': 'https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld',
      '@type': 'TimeSeries',
      intervalPeriod: { start: '2026-06-01T12:00:00.000Z', duration: 'PT15M' },
      payloadDescriptors: [
        { objectType: 'REPORT_PAYLOAD_DESCRIPTOR', payloadType: 'SOC_END', units: 'KWH', readingType: 'DIRECT_READ' },
      ],
      intervals: [{ id: 0, payloads: [{ type: 'SOC_END', values: [6] }] }],
    },
  })
  // The task can be looked up by whoever asked, and by nobody else.
  await expect(client.getTask({ tenant: '', id: task.id })).resolves.toMatchObject({ id: task.id })
  const other = await street.utility([household])
  const stranger = await officialClient(other.host, household)
  await expect(stranger.getTask({ tenant: '', id: task.id })).rejects.toThrow(/not found/i)
  await expect(client.sendMessage(question('door-lock'))).rejects.toThrow(/unknown skill "door-lock"/)
})

test('a round collects from those who agree, and its outcome holds their readings', async () => {
  await using street = socStreet()
  const residents = await Promise.all([4_000, 7_250].map(socWh => street.moveIn(charged(socWh))))
  const store = socMemory()
  const utility = await street.utility(residents, { store })

  const round = await utility.round(peersOf(residents), never)
  store.keep(utility.roundOutcome(round).facts)

  expect(round).toMatchObject({ asked: 2, answered: 2, refused: 0, silent: 0 })
  const told = store.readings(99).map(({ socWh, slot }) => ({ socWh, slot }))
  expect(told.toSorted((a, b) => a.socWh - b.socWh)).toEqual([
    { socWh: 4_000, slot: SLOT },
    { socWh: 7_250, slot: SLOT },
  ])
  expect(store.rounds()).toMatchObject([{ answered: 2, silentPeers: [] }])
})

test('a household that refuses consent is asked no task, and hears nothing more until its card is read again', async () => {
  await using street = socStreet()
  const household = await street.moveIn({ sharesSoc: false })
  const store = socMemory()
  const utility = await street.utility([household], { store })

  for (let i = 0; i < 3; i++) {
    const round = await utility.round(peersOf([household]), never)
    expect(round).toMatchObject({ asked: 0, answered: 0, refused: 1, silent: 0 })
    store.keep(utility.roundOutcome(round).facts)
  }
  expect(household.heard).toHaveLength(1)
  expect(household.heard[0]).toContain('agent-card.json')
  expect(store.refusal(household.host.peerId)?.reason).toMatch(/^no consent/)
})

test('consent withdrawn is refused once and remembered, and consent given again is noticed by the card', async () => {
  await using street = socStreet()
  const willing = await street.moveIn()
  const { seed } = willing.host
  const store = socMemory()
  const utility = await street.utility([willing], { store })
  store.keep(utility.roundOutcome(await utility.round(peersOf([willing]), never)).facts)
  expect(store.readings(99)).toHaveLength(1)

  // The same peer comes back without consent, while the utility still believes its old card.
  await willing.host.stop()
  await eventually('the old connection is gone', () => !utility.host.isConnected(willing.host.peerId))
  const unwilling = await street.moveIn({ sharesSoc: false }, { seed })
  await utility.host.connect(unwilling.host.address(), { timeoutMs })
  const told = await utility.round(peersOf([unwilling]), never)
  expect(told).toMatchObject({ asked: 1, refused: 1, silent: 0 })
  store.keep(utility.roundOutcome(told).facts)
  expect(await utility.round(peersOf([unwilling]), never)).toMatchObject({ asked: 0, refused: 1 })

  // A utility that has just started knows the refusal, reads the card, and asks no task.
  const restarted = await street.utility([unwilling], { store })
  expect(await restarted.round(peersOf([unwilling]), never)).toMatchObject({ asked: 0, refused: 1 })
  expect(unwilling.heard.filter(text => text.includes('SendMessage'))).toHaveLength(1)

  await unwilling.host.stop()
  const again = await street.moveIn(charged(1_000), { seed })
  const later = await street.utility([again], { store })
  const round = await later.round(peersOf([again]), never)
  store.keep(later.roundOutcome(round).facts)
  expect(round).toMatchObject({ asked: 1, answered: 1, refused: 0 })
  expect(store.refusals()).toEqual([])
})

test('a stranger, and a utility of another zone, are rejected and learn no state of charge', async () => {
  await using street = socStreet()
  const shy = await street.moveIn({ isUtility: () => false })
  const abroad = await street.moveIn({ inZone: () => false })
  const utility = await street.utility([shy, abroad])

  const client = await officialClient(utility.host, shy)
  const task = await client.sendMessage(question('state-of-charge'))
  if (!('status' in task)) throw new Error('a task was wanted')
  expect(task.status?.state).toBe(TaskState.TASK_STATE_REJECTED)
  expect(JSON.stringify(task)).not.toContain('SOC_END')

  const round = await utility.round(peersOf([shy, abroad]), never)
  expect(round).toMatchObject({ asked: 2, answered: 0, refused: 2 })
  expect(round.rows.map(row => row.outcome === 'refused' && row.reason)).toEqual([
    expect.stringMatching(/^not a utility/),
    expect.stringMatching(/^not the utility of this zone/),
  ])
  // It is no refusal of consent: an advert that arrives a moment later changes it.
  expect(utility.roundOutcome(round).facts.map(({ kind }) => kind)).toEqual(['agents.soc.round'])
})

test('a silent household leaves a partial result at the deadline', async () => {
  await using street = socStreet()
  const silent = await street.moveIn({}, { mute: true })
  const talking = await Promise.all([street.moveIn(), street.moveIn()])
  const timing = { spreadMs: 0, deadlineMs: 1_500, requestTimeoutMs: 60_000 }
  const utility = await street.utility([silent, ...talking], { timing })

  const round = await utility.round(peersOf([silent, ...talking]), never)
  expect(round).toMatchObject({ asked: 3, answered: 2, refused: 0, silent: 1 })
  expect(round.rows[0]).toMatchObject({ outcome: 'silent', reason: 'no answer before the round ended' })
  expect(round.tookMs).toBeGreaterThanOrEqual(1_400)
  expect(utility.roundOutcome(round).facts.at(-1)).toMatchObject({ round: { silentPeers: [silent.host.peerId] } })
})

test('malformed, halved and oversized frames are refused with a short answer, and the agent goes on', async () => {
  await using street = socStreet()
  const household = await street.moveIn()
  const { host } = await street.utility([household])
  const send = (bytes: Uint8Array) => host.request(household.host.peerId, A2A_PROTOCOL, bytes, { timeoutMs })
  const whole = Buffer.from('{"body":"","headers":{},"method":"GET","path":"/.well-known/agent-card.json"}')

  const statusOf = async (bytes: Uint8Array): Promise<number> => {
    const answer = Buffer.from(await send(bytes))
    expect(answer.byteLength).toBeLessThan(8_192)
    return (JSON.parse(answer.toString()) as { status: number }).status
  }
  expect(await statusOf(whole)).toBe(200)
  expect(await statusOf(whole.subarray(0, whole.length / 2))).toBe(400)
  expect(await statusOf(Buffer.from([0xff, 0x00]))).toBe(400)
  expect(await statusOf(Buffer.from('['.repeat(10_000)))).toBe(400)
  expect(await statusOf(Buffer.alloc(MAX_REQUEST_BYTES + 1, 0x20))).toBe(413)
  expect(await statusOf(whole)).toBe(200)
})

function charged(socWh: number): Partial<typeof OPEN> {
  return { stateOfCharge: () => ({ socWh, slot: SLOT }) }
}

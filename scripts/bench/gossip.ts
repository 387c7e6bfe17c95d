import { decode } from '../../src/protocol/decode.ts'
import type { Identity } from '../../src/protocol/keys.ts'
import { MAX_GOSSIP_BYTES } from '../../src/protocol/limits.ts'
import { signEnvelope } from '../../src/protocol/sign.ts'
import { verify } from '../../src/protocol/verify.ts'
import { eventually, type TestHost, TOPIC, testHosts } from '../../test/support/network-hosts.ts'
import { createDeliveries, type Deliveries } from './deliveries.ts'
import { createEnvelope, createIdentity, ENVELOPE_BYTES, NETWORK } from './envelopes.ts'
import type { Figure, Part } from './figure.ts'
import { percentile, rateOf } from './race.ts'

/** Slower with more peers, so that about as many deliveries are timed; all far below what the mesh can carry. */
const MESHES = [
  { nodes: 2, perSecond: 100 },
  { nodes: 5, perSecond: 40 },
  { nodes: 20, perSecond: 8 },
] as const
const PACED_MS = 4_000
const BUSY_MS = 3_000
const IN_FLIGHT = 16
const CONNECT_MS = 20_000
/** Neighbours on a ring, by distance: six connections a peer, as many as gossip wants in its mesh. */
const CHORDS = [1, 2, 5]

/** Signed messages through a mesh of peers that all run here, each checking every message as a daemon does. */
export const gossip: Part = {
  name: 'gossip',
  async run() {
    const figures: Figure[] = []
    for (const mesh of MESHES) figures.push(...(await measure(mesh)))
    return figures
  },
}

async function measure({ nodes, perSecond }: (typeof MESHES)[number]): Promise<Figure[]> {
  const sender = createIdentity()
  const deliveries = createDeliveries(nodes - 1)
  await using hosts = testHosts()
  const mesh = await openMesh(nodes, extra => hosts.start({}, extra), deliveries)
  const send = async (from: number): Promise<void> => {
    const envelope = createEnvelope(sender)
    const bytes = signEnvelope(envelope, sender)
    const arrived = deliveries.expect(envelope.id)
    await mesh[from % nodes]?.publish(TOPIC, bytes)
    await arrived
  }
  await eventually('a message reaches every peer', async () => {
    const before = deliveries.lost()
    await send(0)
    return deliveries.lost() === before
  })

  const checksBefore = await checkRate(sender)
  const { perSecond: carried } = await keepBusy(deliveries, send)
  const checks = (checksBefore + (await checkRate(sender))) / 2
  const paced = await pace(deliveries, send, perSecond)
  const part = `gossip.nodes${nodes}`
  const size = `${nodes} peers in one process`
  const calm = `${size}, ${perSecond} messages a second`
  return [
    {
      name: `${part}VsVerify`,
      value: carried / checks,
      unit: 'ratio',
      against: `decode + verify alone on one core, ${nodes} peers share it`,
    },
    { name: `${part}Delivered`, value: deliveries.share(), unit: 'ratio', against: 'all deliveries that were due' },
    {
      name: `${part}PerSecond`,
      value: carried,
      unit: '/s',
      against: `deliveries, ${ENVELOPE_BYTES} bytes, ${size}, ${IN_FLIGHT} in flight`,
    },
    { name: `${part}P50Ms`, value: percentile(paced, 50), unit: 'ms', against: `to a peer, ${calm}` },
    { name: `${part}P99Ms`, value: percentile(paced, 99), unit: 'ms', against: `to a peer, ${calm}` },
  ]
}

type StartHost = (extra: { onGossip: OnGossip }) => Promise<TestHost>
type OnGossip = (topic: string, bytes: Uint8Array) => Promise<'accept' | 'reject'>

async function openMesh(nodes: number, start: StartHost, deliveries: Deliveries): Promise<TestHost[]> {
  const onGossip: OnGossip = async (_topic, bytes) => {
    const id = checkedId(bytes)
    if (id === undefined) return 'reject'
    deliveries.arrived(id)
    return 'accept'
  }
  const mesh: TestHost[] = []
  while (mesh.length < nodes) mesh.push(await start({ onGossip }))
  for (const [i, host] of mesh.entries()) {
    for (const distance of CHORDS) {
      const neighbour = mesh[(i + distance) % nodes]
      if (neighbour === undefined || neighbour === host || host.isConnected(neighbour.peerId)) continue
      await host.connect(neighbour.address(), { timeoutMs: CONNECT_MS })
    }
  }
  await eventually('every peer has a subscriber', () => mesh.every(host => host.subscribers(TOPIC) > 0))
  return mesh
}

function checkedId(bytes: Uint8Array): string | undefined {
  const decoded = decode(bytes, MAX_GOSSIP_BYTES)
  if (!decoded.ok) return undefined
  const refused = verify(decoded, { peerId: undefined, network: NETWORK }, Date.now())
  return refused === undefined ? decoded.envelope.id : undefined
}

/** How often a message could be checked if nothing carried it. */
function checkRate(sender: Identity): Promise<number> {
  const bytes = signEnvelope(createEnvelope(sender), sender)
  return rateOf(() => (checkedId(bytes) === undefined ? 0 : 1), 400)
}

/** Every lane publishes its next message when all peers have the last. */
async function keepBusy(deliveries: Deliveries, send: (from: number) => Promise<void>): Promise<{ perSecond: number }> {
  const before = deliveries.count()
  const startMs = performance.now()
  const lane = async (from: number): Promise<void> => {
    while (performance.now() - startMs < BUSY_MS) await send(from)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, i) => lane(i)))
  return { perSecond: ((deliveries.count() - before) / (performance.now() - startMs)) * 1000 }
}

/** Publishes by the clock, from each peer in turn. @returns the time of every delivery, ms */
async function pace(
  deliveries: Deliveries,
  send: (from: number) => Promise<void>,
  perSecond: number,
): Promise<number[]> {
  const already = deliveries.latencies().length
  const sent: Promise<void>[] = []
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const timer = setInterval(() => {
    sent.push(send(sent.length))
    if (sent.length >= (PACED_MS / 1000) * perSecond) resolve()
  }, 1000 / perSecond)
  await over
  clearInterval(timer)
  await Promise.all(sent)
  return deliveries.latencies().slice(already)
}

import { fileURLToPath } from 'node:url'
import { type BullmqPeer, startBullmq } from './bullmq.ts'
import { acquainted, done, startDaemon } from './daemons.ts'
import type { Figure, Part } from './figure.ts'
import { type Burst, percentile, race } from './race.ts'
import { redisVersion } from './redis.ts'
import { openScratch } from './scratch.ts'

const NOOP = fileURLToPath(new URL('noop.ts', import.meta.url))
const KIND = 'noop@1'
/** Of a job; both queues get them in one go. */
const TASKS = 2_000
/** Worker threads here, jobs at a time there. */
const CONCURRENCY = 2
/** As many of ours as lie on the worker's desk, or on their way to it. */
const DESK = 64
const LENGTH = { rounds: 3, roundMs: 1 }
const ALONE = 60
const JOB_POLL_MS = 20
/** A task alone is waited for as closely as the API allows; BullMQ tells by itself. */
const TASK_POLL_MS = 1

/** Tasks that are nothing to do, from a person's request to the result kept, against BullMQ on a Redis of this machine. */
export const queue: Part = {
  name: 'queue',
  async run() {
    await using stack = new AsyncDisposableStack()
    const { folder } = stack.use(openScratch())
    const plan = { folder, preload: [NOOP] }
    const boss = stack.use(await startDaemon({ ...plan, name: 'boss', role: 'household' }))
    const options = { 'compute.threads': CONCURRENCY, 'compute.deskTasks': DESK }
    const worker = stack.use(await startDaemon({ ...plan, name: 'worker', role: 'compute', first: boss, options }))
    await acquainted(boss, [worker], KIND)
    const ours = (count: number, pollMs: number) =>
      done(boss, { kind: 'noop', params: {}, documents: [{ name: 'nothing', text: String(count) }] }, pollMs)
    const oursJob = (count: number) => ours(count, JOB_POLL_MS)
    const oursAlone = await latencies(() => ours(1, TASK_POLL_MS))

    const version = redisVersion()
    if (version === undefined) {
      console.log('– queue: BullMQ is left out, for there is no redis-server here (apt install redis-server)')
      const speeds = await race({ ours: burst(oursJob) }, LENGTH)
      return oursFigures(speeds.rate('ours'), oursAlone)
    }
    const quick = stack.use(await startBullmq(folder, { durable: false, concurrency: CONCURRENCY }))
    const durable = stack.use(await startBullmq(folder, { durable: true, concurrency: CONCURRENCY }))
    const alone = await bothAlone(quick, durable)
    const speeds = await race({ ours: burst(oursJob), quick: burst(quick.run), durable: burst(durable.run) }, LENGTH)
    return [
      ...ratios(speeds, version),
      ...oursFigures(speeds.rate('ours'), oursAlone),
      ...bullmqFigures('Durable', { perSecond: speeds.rate('durable'), alone: alone.durable }, version),
      ...bullmqFigures('', { perSecond: speeds.rate('quick'), alone: alone.quick }, version),
    ]
  },
}

type Speeds = Awaited<ReturnType<typeof race<'ours' | 'quick' | 'durable'>>>

const HOW = `${TASKS} tasks in one job, one worker process, ${CONCURRENCY} at a time`

function ratios(speeds: Speeds, version: string): Figure[] {
  const rival = `BullMQ on Redis ${version}`
  return [
    {
      name: 'queue.tasksVsBullmqDurable',
      value: speeds.ratio('ours', 'durable'),
      unit: 'ratio',
      against: `${rival}, each write synced to disk as ours; neither signed nor between strangers; ${HOW}`,
    },
    {
      name: 'queue.tasksVsBullmq',
      value: speeds.ratio('ours', 'quick'),
      unit: 'ratio',
      against: `${rival} as it comes, in memory with a snapshot now and then; ${HOW}`,
    },
  ]
}

function oursFigures(perSecond: number, alone: readonly number[]): Figure[] {
  const against = `submitted over the API, signed, by libp2p, committed on both sides; ${HOW}`
  return [
    { name: 'queue.tasksPerSecond', value: perSecond, unit: '/s', against },
    ...latencyFigures('alone', alone, 'a job of one task, from the request to "done" over the API'),
  ]
}

function bullmqFigures(
  which: 'Durable' | '',
  { perSecond, alone }: { perSecond: number; alone: readonly number[] },
  version: string,
): Figure[] {
  const rival = `BullMQ, Redis ${version}${which === '' ? '' : ', synced'}`
  return [
    { name: `queue.bullmq${which}PerSecond`, value: perSecond, unit: '/s', against: `${rival}; ${HOW}` },
    ...latencyFigures(`bullmq${which}Alone`, alone, `${rival}; a job from add to its event`),
  ]
}

function latencyFigures(name: string, times: readonly number[], against: string): Figure[] {
  return [50, 99].map(percent => ({
    name: `queue.${name}P${percent}Ms`,
    value: percentile(times, percent),
    unit: 'ms',
    against: `${against}; of ${times.length}`,
  }))
}

async function bothAlone(quick: BullmqPeer, durable: BullmqPeer) {
  return { quick: await latencies(() => quick.run(1)), durable: await latencies(() => durable.run(1)) }
}

function burst(run: (count: number) => Promise<void>): Burst {
  return async () => {
    await run(TASKS)
    return TASKS
  }
}

/** One after the other; the first few find the way and do not count. */
async function latencies(one: () => Promise<void>): Promise<number[]> {
  const times: number[] = []
  const first = 5
  for (let n = 0; n < ALONE + first; n++) {
    const startMs = performance.now()
    await one()
    if (n >= first) times.push(performance.now() - startMs)
  }
  return times
}

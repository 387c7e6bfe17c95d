import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Client, openClient } from '../../src/api/client.ts'
import { peersCommands } from '../../src/domains/peers/commands.ts'
import { tasksCommands } from '../../src/domains/tasks/commands.ts'
import type { JsonObject } from '../../src/kernel/outcome.ts'
import type { Child } from './child.ts'
import { startChild } from './child.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const PROBE = fileURLToPath(new URL('loop-probe.ts', import.meta.url))
const KNOWN_MS = 60_000
const POLL_MS = 50

/** Quiet on a machine that is not only theirs, and working whatever else it does. */
const OPTIONS = {
  'network.listen': '/ip4/127.0.0.1/tcp/0',
  'network.mdns': false,
  'network.relayClient': false,
  'network.autonat': false,
  'network.dcutr': false,
  'log.format': 'json',
  'log.level': 'warn',
  'manners.sensors': false,
  'manners.activeCoresPercent': 100,
  'report.minutes': 0,
  'market.autoOpen': false,
}

export interface DaemonPlan {
  readonly name: string
  readonly folder: string
  /** `household` gives work and does none for others. */
  readonly role: 'household' | 'compute'
  /** The first of them; it knows nobody at its start. */
  readonly first?: BenchDaemon
  /** Modules loaded before the daemon's own, in every thread of it. */
  readonly preload?: readonly string[]
  readonly options?: Readonly<Record<string, string | number | boolean>>
}

/** The real daemon in a process of its own. */
export interface BenchDaemon extends AsyncDisposable {
  readonly peerId: string
  readonly address: string
  readonly client: Client
  /** How late its event loop was since this was last asked. */
  loopDelay(): Promise<{ p99Ms: number; maxMs: number }>
}

export async function startDaemon({ name, folder, role, ...plan }: DaemonPlan): Promise<BenchDaemon> {
  const home = join(folder, name)
  mkdirSync(home, { recursive: true })
  const preload = [PROBE, ...(plan.preload ?? [])].flatMap(file => ['--import', pathToFileURL(file).href])
  const set = { ...OPTIONS, 'network.name': 'bench', ...plan.options }
  const flags = Object.entries(set).flatMap(([path, value]) => ['--set', `${path}=${value}`])
  const bootstrap = plan.first === undefined ? [] : ['--bootstrap', plan.first.address]
  const run = ['--home', home, 'run', '--name', name, '--roles', role, ...flags, ...bootstrap]
  const child = await startChild([...preload, MAIN, ...run], home, { channel: true })
  return daemonOf(child, home)
}

function daemonOf(child: Child, home: string): BenchDaemon {
  const { peerId, addresses } = child.ready as unknown as { peerId: string; addresses: readonly string[] }
  return {
    peerId,
    address: addresses[0] ?? '',
    client: openClient(home),
    loopDelay: async () => (await child.ask('loop delay')) as { p99Ms: number; maxMs: number },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

/** Until `daemon` may give work of this kind (`name@version`) to all of `workers`. */
export async function acquainted(daemon: BenchDaemon, workers: readonly BenchDaemon[], kind: string): Promise<void> {
  const untilMs = performance.now() + KNOWN_MS
  while (performance.now() < untilMs) {
    const rows = await daemon.client.of(peersCommands).peers()
    const known = new Set<string>(
      rows.filter(row => row.connected !== undefined && row.kinds?.includes(kind) === true).map(({ peer }) => peer),
    )
    if (workers.every(({ peerId }) => known.has(peerId))) return
    await sleep(POLL_MS)
  }
  throw new Error(`a daemon does not know all ${workers.length} workers of ${kind} after ${KNOWN_MS / 1000} s`)
}

export interface BenchJob {
  readonly kind: string
  readonly params: JsonObject
  readonly documents: readonly { readonly name: string; readonly text: string }[]
  /** Who may have it; anybody when absent. */
  readonly peers?: readonly string[]
}

const JOB_MS = 5 * 60_000

/** Submits work, unverified, and waits for all of it; throws when a part of it fails. */
export async function done({ client }: BenchDaemon, job: BenchJob, pollMs: number): Promise<void> {
  const tasks = client.of(tasksCommands)
  const privacy = job.peers === undefined ? 'public' : 'private'
  const { id } = await tasks.submit({ ...job, privacy, verify: 'none' })
  const untilMs = performance.now() + JOB_MS
  while (performance.now() < untilMs) {
    const { state, reason } = await tasks.progress({ id })
    if (state === 'done') return
    if (state !== 'running' && state !== 'opening') throw new Error(`a job ended ${state}: ${reason ?? 'no reason'}`)
    await sleep(pollMs)
  }
  throw new Error(`a job was not done after ${JOB_MS / 1000} s`)
}

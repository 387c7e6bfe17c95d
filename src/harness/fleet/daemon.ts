import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Client, openClient } from '../../api/client.ts'
import { CodedError } from '../../kernel/errors.ts'

export interface DaemonPlan {
  readonly name: string
  readonly home: string
  /** The script and its arguments, for the Node that runs this. */
  readonly command: readonly string[]
  /** False: it has no local API (a bootstrap node). */
  readonly api: boolean
}

/** What a process says once it is ready. */
export interface Ready {
  readonly peerId: string
  readonly addresses: readonly string[]
}

/** A real process of this machine, which can be killed and started again with the same home. */
export interface Daemon {
  readonly plan: DaemonPlan
  readonly alive: boolean
  ready(): Ready
  client(): Client
  /** @param bootstrap where to find the others; a restart remembers it */
  start(bootstrap?: string): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
}

const READY_MS = 60_000
const STOP_MS = 15_000

export function createDaemon(plan: DaemonPlan): Daemon {
  let child: ChildProcess | undefined
  let ready: Ready | undefined
  let client: Client | undefined
  let lastBootstrap: string | undefined

  async function start(bootstrap: string | undefined = lastBootstrap): Promise<void> {
    lastBootstrap = bootstrap
    const [script = '', ...fixed] = plan.command
    const args = bootstrap === undefined ? fixed : [...fixed, '--bootstrap', bootstrap]
    ready = undefined
    const log = createWriteStream(join(plan.home, 'daemon.log'), { flags: 'a' })
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stderr?.pipe(log, { end: false })
    child.stdout?.pipe(log, { end: false })
    ready = await readyLine(plan, child)
    client = plan.api ? openClient(plan.home) : undefined
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = child
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise<void>(resolve => running.once('exit', () => resolve()))
    running.kill(signal)
    const hard = setTimeout(() => running.kill('SIGKILL'), STOP_MS)
    await gone
    clearTimeout(hard)
  }

  return {
    plan,
    get alive() {
      return child !== undefined && child.exitCode === null && child.signalCode === null && ready !== undefined
    },
    ready: () => known(ready, plan),
    client: () => known(client, plan),
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

function known<T>(value: T | undefined, { name }: DaemonPlan): T {
  if (value === undefined) throw new CodedError('HARNESS_NOT_STARTED', `${name} has not been started`)
  return value
}

/** The one log line with `msg: "ready"`; what the process said instead, when it ends before. */
async function readyLine(plan: DaemonPlan, child: ChildProcess): Promise<Ready> {
  const { promise, resolve, reject } = Promise.withResolvers<Ready>()
  const said: string[] = []
  const give = (why: string): void => {
    const hint = `its log is ${join(plan.home, 'daemon.log')}`
    reject(new CodedError('HARNESS_START', `${plan.name} ${why}: ${said.slice(-5).join(' ')}`, { hint }))
  }
  const timer = setTimeout(() => give(`was not ready in ${READY_MS / 1000} s`), READY_MS)
  child.once('exit', code => give(`ended with code ${code}`))
  child.stderr?.on('data', (data: Buffer) => said.push(data.toString().trim()))
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', line => {
      const entry = parse(line)
      if (entry?.['msg'] === 'ready' || entry?.['ready'] === true) resolve(entry as unknown as Ready)
      else said.push(line.slice(0, 200))
      said.splice(0, Math.max(0, said.length - 10))
    })
  }
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

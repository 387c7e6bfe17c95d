import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { NetworkOptions } from '../../src/network/network.ts'
import type { Machine } from './namespaces.ts'
import { eventually } from './network-hosts.ts'

const SCRIPT = fileURLToPath(new URL('network-child.ts', import.meta.url))

export interface NetworkChild {
  readonly peer: string
  readonly addresses: readonly string[]
  readonly connected: ReadonlySet<string>
  readonly heard: readonly string[]
  /** Connected peers on the topic, and peers found by source. */
  state(): Promise<{ subscribers: number; found: Record<string, number> }>
  publish(text: string): void
  kill(): Promise<void>
}

interface Spoken {
  event: string
  peer: string
  addresses: string[]
  connected: boolean
  text: string
  subscribers: number
  found: Record<string, number>
}

/** Runs network hosts as processes inside machines, and kills what is left at the end of the test. */
export function networkChildren(): AsyncDisposable & {
  start(machine: Machine, options: Partial<NetworkOptions>): Promise<NetworkChild>
} {
  const running = new Set<ChildProcess>()
  return {
    start: (machine, options) => startChild(machine, options, running),
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map(end))
    },
  }
}

async function startChild(
  machine: Machine,
  options: Partial<NetworkOptions>,
  running: Set<ChildProcess>,
): Promise<NetworkChild> {
  const args = ['netns', 'exec', machine.namespace, process.execPath, SCRIPT, JSON.stringify(options)]
  // `ip netns exec` becomes the command it runs, so its process id is the host's.
  const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))

  const connected = new Set<string>()
  const heard: string[] = []
  let ready: Spoken | undefined
  let state = Promise.withResolvers<Spoken>()
  const hear: Record<string, (spoken: Spoken) => void> = {
    ready: spoken => {
      ready = spoken
    },
    peer: ({ peer, connected: here }) => (here ? connected.add(peer) : connected.delete(peer)),
    heard: ({ text }) => heard.push(text),
    state: spoken => state.resolve(spoken),
  }
  createInterface({ input: child.stdout }).on('line', line => {
    const spoken = JSON.parse(line) as Spoken
    hear[spoken.event]?.(spoken)
  })
  await eventually('the host is ready', () => ready !== undefined || child.exitCode !== null)
  if (ready === undefined) throw new Error(`the host in ${machine.namespace} ended with ${child.exitCode}`)
  return {
    peer: ready.peer,
    addresses: ready.addresses,
    connected,
    heard,
    state() {
      state = Promise.withResolvers()
      child.stdin.write('state\n')
      return state.promise
    },
    publish: text => void child.stdin.write(`publish ${text}\n`),
    kill: () => end(child),
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

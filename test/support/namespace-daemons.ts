import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Machine } from './namespaces.ts'

const QUIET = '--disable-warning=ExperimentalWarning'
const read = promisify(execFile)

/** A real process on one of the machines of a test's network. */
export interface MachineProcess {
  readonly addresses: readonly string[]
  /** What the command line prints there, as JSON. */
  ask<T>(...words: string[]): Promise<T>
  kill(): Promise<void>
}

export interface MachineProcesses extends AsyncDisposable {
  daemon(machine: Machine, ...flags: string[]): Promise<MachineProcess>
  bootstrap(machine: Machine, ...flags: string[]): Promise<MachineProcess>
}

/** Starts daemons as a person would, each on its own machine, and stops all of them in the end. */
export function machineProcesses(): MachineProcesses {
  const homes = mkdtempSync(join(tmpdir(), 'wattmesh-netns-'))
  const running: ChildProcess[] = []

  async function start(machine: Machine, home: string, command: readonly string[]): Promise<MachineProcess> {
    const inside = ['netns', 'exec', machine.namespace, process.execPath, QUIET]
    const child = spawn('ip', [...inside, ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
    running.push(child)
    const { addresses } = await ready(child)
    return {
      addresses,
      async ask(...words) {
        const { stdout } = await read('ip', [...inside, 'src/main.ts', '--home', home, ...words, '--json'])
        return JSON.parse(stdout)
      },
      kill: () => end(child),
    }
  }

  return {
    daemon(machine, ...flags) {
      const home = join(homes, machine.namespace)
      return start(machine, home, ['src/main.ts', '--home', home, 'run', '--listen', '/ip4/0.0.0.0/tcp/4747', ...flags])
    },
    bootstrap(machine, ...flags) {
      const home = join(homes, machine.namespace)
      return start(machine, home, ['bootstrap/main.ts', '--home', home, ...flags])
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map(end))
      rmSync(homes, { recursive: true, force: true })
    },
  }
}

async function ready(child: ChildProcess): Promise<{ addresses: string[] }> {
  const said: string[] = []
  child.stderr?.on('data', (data: Buffer) => said.push(data.toString()))
  const { promise, resolve, reject } = Promise.withResolvers<{ addresses: string[] }>()
  child.once('exit', code => reject(new Error(`ended with ${code}: ${said.join('')}`)))
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', line => {
      said.push(line)
      if (line.includes('"msg":"ready"') || line.includes('"ready":true')) resolve(JSON.parse(line))
    })
  }
  return await promise
}

/** `ip netns exec` becomes the process it runs, so this is the daemon's own id. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await gone
}

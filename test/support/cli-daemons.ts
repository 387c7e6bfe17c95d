import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../scripts/wattmesh', import.meta.url))
/** Nothing of this machine's network is touched. */
const QUIET = ['--set', 'network.mdns=false', '--set', 'network.listen=/ip4/127.0.0.1/tcp/0']

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface CliDaemon {
  readonly home: string
  readonly peerId: string
  readonly address: string
  readonly apiPort: number
  /** Everything it wrote to stdout. */
  readonly lines: readonly string[]
  /** The exit code; null after SIGKILL. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

export interface CliBench extends AsyncDisposable {
  readonly folder: string
  home(name: string): string
  /** Runs a command to its end. */
  run(home: string, args: readonly string[], env?: Record<string, string>): Promise<Ran>
  /** Starts a daemon and waits until it is ready. */
  start(home: string, args?: readonly string[]): Promise<CliDaemon>
}

/** Homes in a folder of their own, and daemons as real processes; all of it is gone at the end of the test. */
export function cliBench(): CliBench {
  const folder = mkdtempSync(join(tmpdir(), 'wattmesh-cli-'))
  const running = new Set<ChildProcess>()

  function launch(home: string, args: readonly string[], env: Record<string, string> = {}) {
    // None of the variables of whoever runs the tests: only what finds programs.
    const clean = { PATH: process.env['PATH'] ?? '', HOME: folder, WATTMESH_HOME: home, ...env }
    const child = spawn(LAUNCHER, args, { cwd: folder, env: clean, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }

  return {
    folder,
    home(name) {
      mkdirSync(join(folder, name), { recursive: true })
      return join(folder, name)
    },
    async run(home, args, env) {
      const child = launch(home, args, env)
      const said = { out: '', err: '' }
      child.stdout.on('data', data => {
        said.out += data
      })
      child.stderr.on('data', data => {
        said.err += data
      })
      const [code] = (await once(child, 'close')) as [number | null]
      return { code, ...said }
    },
    async start(home, args = []) {
      const child = launch(home, ['run', ...QUIET, ...args])
      const lines: string[] = []
      let errors = ''
      const { promise, resolve, reject } = Promise.withResolvers<Ready>()
      createInterface({ input: child.stdout }).on('line', line => {
        lines.push(line)
        const entry = JSON.parse(line) as Ready
        if (entry.msg === 'ready') resolve(entry)
      })
      child.stderr.on('data', data => {
        errors += data
      })
      child.once('close', code => reject(new Error(`the daemon ended with ${code}: ${errors}`)))
      const { peerId, addresses, apiPort } = await promise
      return {
        home,
        peerId,
        address: addresses[0] ?? '',
        apiPort,
        lines,
        async end(signal) {
          const closed = once(child, 'close')
          child.kill(signal)
          return ((await closed) as [number | null])[0]
        },
      }
    },
    async [Symbol.asyncDispose]() {
      const ended = [...running].map(child => once(child, 'exit'))
      for (const child of running) child.kill('SIGKILL')
      await Promise.all(ended)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Ready {
  readonly msg: string
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly apiPort: number
}

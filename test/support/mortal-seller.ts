import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Offer } from '../../src/domains/trading/trade.ts'
import { FLAGS } from './nodes.ts'
import { createStdioWire, type StdioHandlers, type StdioWire } from './stdio-wire.ts'

const DAEMON = fileURLToPath(new URL('daemon-child.ts', import.meta.url))
const SCRIPT = fileURLToPath(new URL('kill-seller.ts', import.meta.url))

export interface Life {
  readonly wire: StdioWire
  readonly ready: Promise<void>
  /** Everything it complained about. */
  readonly complaints: () => string
  kill(): Promise<void>
  /** Ends it in peace. */
  end(): Promise<number | null>
}

export interface LifeOptions {
  readonly home: string
  readonly seed: string
  readonly buyer: string
  readonly offers: readonly Offer[]
  readonly onRequest: StdioHandlers['onRequest']
}

/** Starts the seller once more, on the data its last life left. */
export function bringToLife({ home, seed, buyer, offers, onRequest }: LifeOptions): Life {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', SCRIPT, home, seed, buyer, JSON.stringify(offers)],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    complaints += text
  })
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  const wire = createStdioWire(child.stdout, child.stdin, {
    onRequest,
    onEvent: event => event === 'ready' && resolve(),
  })
  child.once('exit', code => {
    wire.close()
    reject(new Error(`the seller ended with ${code}: ${complaints}`))
  })
  // Killed while it starts, it is never ready; who waits for it still hears of it.
  ready.catch(() => undefined)
  return {
    wire,
    ready,
    complaints: () => complaints,
    kill: () => gone(child, () => child.kill('SIGKILL')),
    async end() {
      await gone(child, () => child.stdin.end())
      return child.exitCode
    },
  }
}

export interface MortalDaemon extends Pick<Life, 'complaints' | 'kill' | 'end'> {
  /** Where it listens, once it does. */
  readonly address: Promise<string>
}

/** Starts a whole daemon that offers so much energy for the next hour. */
export function startDaemon(home: string, seed: string, offerWh: number): MortalDaemon {
  const flags = { ...FLAGS, 'market.stepTimeoutMs': 60_000 }
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', DAEMON, home, seed, JSON.stringify(flags)],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, OFFER_WH: String(offerWh) } },
  )
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    complaints += text
  })
  const { promise: address, resolve, reject } = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).on('line', line => resolve(line))
  child.once('exit', code => reject(new Error(`the daemon ended with ${code}: ${complaints}`)))
  address.catch(() => undefined)
  return {
    address,
    complaints: () => complaints,
    kill: () => gone(child, () => child.kill('SIGKILL')),
    async end() {
      await gone(child, () => child.stdin.end())
      return child.exitCode
    },
  }
}

async function gone(child: ChildProcess, how: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  how()
  await exit
}

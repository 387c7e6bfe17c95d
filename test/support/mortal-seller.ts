import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Offer } from '../../src/trading/trade.ts'
import { createStdioWire, type StdioHandlers, type StdioWire } from './stdio-wire.ts'

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
  const wire = createStdioWire(child.stdout, child.stdin, { onRequest, onEvent: event => event === 'ready' && resolve() })
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

async function gone(child: ChildProcess, how: () => unknown): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  how()
  await exit
}

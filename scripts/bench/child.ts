import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A process of its own that has said it is ready. */
export interface Child extends AsyncDisposable {
  /** From before the spawn to the ready line. */
  readonly startMs: number
  /** Resident memory now, MB. */
  memoryMb(): number
}

const READY_MS = 30_000
const STOP_MS = 5_000

/** Runs this same Node on `args` until disposed of; ready is a JSON line with `msg: "ready"`. */
export async function startChild(args: readonly string[], home: string): Promise<Child> {
  const sinceMs = performance.now()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Nothing of the caller's: a WATTMESH_HOME or NODE_OPTIONS would measure something else.
    env: { PATH: process.env['PATH'], HOME: home },
  })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const said: string[] = []
  const ready = Promise.withResolvers<void>()
  const fail = (why: string): void => ready.reject(new Error(`${args.join(' ')} ${why}: ${said.slice(-3).join(' ')}`))
  const timer = setTimeout(() => fail(`was not ready in ${READY_MS / 1000} s`), READY_MS)
  const gone = once(child, 'exit')
  gone.then(
    () => fail('ended'),
    (error: Error) => fail(error.message),
  )
  child.stderr.on('data', (data: Buffer) => said.push(data.toString().trim()))
  createInterface({ input: child.stdout }).on('line', line => {
    if (isReady(line)) ready.resolve()
    else said.push(line)
  })

  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const hard = setTimeout(kill, STOP_MS)
      await gone
      clearTimeout(hard)
    }
    process.off('exit', kill)
  }

  try {
    await ready.promise
  } catch (error) {
    await stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
  const startMs = performance.now() - sinceMs
  return { startMs, memoryMb: () => memoryOf(child.pid ?? 0), [Symbol.asyncDispose]: stop }
}

function isReady(line: string): boolean {
  try {
    return (JSON.parse(line) as { msg?: unknown } | null)?.msg === 'ready'
  } catch {
    return false
  }
}

function memoryOf(pid: number): number {
  const status = `/proc/${pid}/status`
  const kilobytes = existsSync(status)
    ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
  return Number(kilobytes) / 1024
}

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A process of its own that has said it is ready. */
export interface Child extends AsyncDisposable {
  /** From before the spawn to the ready line. */
  readonly startMs: number
  /** What its ready line said. */
  readonly ready: Readonly<Record<string, unknown>>
  /** Resident memory now, MB. */
  memoryMb(): number
  /** Sends a word to a child with a channel, and gives its next message. */
  ask(word: string): Promise<unknown>
}

const READY_MS = 60_000
const STOP_MS = 5_000
const ANSWER_MS = 60_000
/** Of what a child says, for the message when it fails. */
const KEPT_LINES = 20

/**
 * Runs this same Node on `args` until disposed of; ready is a JSON line with `msg: "ready"`.
 * @param channel whether the child can be asked something
 */
export async function startChild(
  args: readonly string[],
  home: string,
  { channel = false }: { channel?: boolean } = {},
): Promise<Child> {
  const sinceMs = performance.now()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(channel ? (['ipc'] as const) : [])],
    // Nothing of the caller's: a WATTMESH_HOME or NODE_OPTIONS would measure something else.
    env: { PATH: process.env['PATH'], HOME: home },
  })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const said: string[] = []
  const ready = Promise.withResolvers<ReadyLine>()
  const fail = (why: string): void => ready.reject(new Error(`${args.join(' ')} ${why}: ${said.slice(-3).join(' ')}`))
  const timer = setTimeout(() => fail(`was not ready in ${READY_MS / 1000} s`), READY_MS)
  const gone = once(child, 'exit')
  gone.then(
    () => fail('ended'),
    (error: Error) => fail(error.message),
  )
  child.stderr?.on('data', (data: Buffer) => said.push(data.toString().trim()))
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', line => {
      const entry = readyLine(line)
      if (entry === undefined) said.push(line)
      else ready.resolve(entry)
      said.splice(0, Math.max(0, said.length - KEPT_LINES))
    })
  }

  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const hard = setTimeout(kill, STOP_MS)
      await gone
      clearTimeout(hard)
    }
    process.off('exit', kill)
  }

  /** Rejects when it ends before it has answered. */
  async function ask(word: string): Promise<unknown> {
    const signal = AbortSignal.timeout(ANSWER_MS)
    const answered = once(child, 'message', { signal })
    child.send(word)
    const [answer] = await Promise.race([
      answered,
      gone.then(() => Promise.reject(new Error(`${args.join(' ')} ended`))),
    ])
    return answer
  }

  let line: ReadyLine
  try {
    line = await ready.promise
  } catch (error) {
    await stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
  const startMs = performance.now() - sinceMs
  return { startMs, ready: line, memoryMb: () => memoryOf(child.pid ?? 0), ask, [Symbol.asyncDispose]: stop }
}

type ReadyLine = Readonly<Record<string, unknown>>

function readyLine(line: string): ReadyLine | undefined {
  try {
    const entry = JSON.parse(line) as ReadyLine | null
    return entry?.['msg'] === 'ready' ? entry : undefined
  } catch {
    return undefined
  }
}

function memoryOf(pid: number): number {
  const status = `/proc/${pid}/status`
  const kilobytes = existsSync(status)
    ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
  return Number(kilobytes) / 1024
}

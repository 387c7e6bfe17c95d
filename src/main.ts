import { runCli } from './cli/cli.ts'
import type { Engine } from './cli/run/engine.ts'
import { printFailure } from './cli/terminal/failure.ts'
import type { Terminal } from './cli/terminal/terminal.ts'

/** What is left open after the command has ended: it must not keep the process. */
const LINGER_MS = 2_000

const interruption = new AbortController()

function onSignal(signal: NodeJS.Signals): void {
  if (interruption.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
  interruption.abort()
}

const terminal: Terminal = {
  out: process.stdout,
  err: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  interrupted() {
    if (process.listenerCount('SIGINT') === 0) process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
    return interruption.signal
  },
  fail() {
    process.exitCode = 1
  },
}

process.on('uncaughtException', error => {
  printFailure(terminal, error)
  process.exit(1)
})
// What nobody waited for costs at most one message; the daemon goes on.
process.on('unhandledRejection', error => printFailure(terminal, error))
// Whoever read us has gone: `wattmesh peers | head -1`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

/** Loading the whole node takes half a second: only for commands that need it. */
const engine: Engine = {
  version: async () => (await import('./node.ts')).VERSION,
  openNode: async (config, seed, log) =>
    (await import('./node.ts')).openNode(config, seed, log, {
      memoryBytes: () => process.memoryUsage.rss(),
      ownCpuMs() {
        const { user, system } = process.cpuUsage()
        return (user + system) / 1000
      },
    }),
  identityFromSeed: async seed => (await import('./protocol/keys.ts')).identityFromSeed(seed),
}

const code = await runCli(process.argv.slice(2), terminal, engine)
if (code !== 0) process.exit(code)
setTimeout(() => process.exit(), LINGER_MS).unref()

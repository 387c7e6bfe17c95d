import { once } from 'node:events'
import type { Command } from 'commander'
import { type Config, fromText, loadConfig } from '../../config/config.ts'
import { openSeed } from '../../config/identity.ts'
import { optionDocs } from '../../config/options.ts'
import { daemonCommands } from '../../daemon/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { createLog, type Log, type LogLevel } from '../../kernel/log.ts'
import { homeOf, printLine, type Terminal } from '../terminal/terminal.ts'
import type { Daemon } from './daemon.ts'
import type { Engine } from './engine.ts'
import { optionsFrom, type RunFlags } from './flags.ts'
import { passphraseOf } from './passphrase.ts'
import { tellSystemd } from './systemd.ts'
import { printWelcome, tellOfPeers } from './welcome.ts'

const collect = (value: string, before: string[] = []): string[] => [...before, value]

export function registerRun(program: Command, terminal: Terminal, engine: Engine): void {
  program
    .command('run')
    .description('start the daemon and stay')
    .option('--name <name>', 'what people call this peer')
    .option('--roles <roles>', 'household, utility, compute; several with commas', collect)
    .option('--listen <multiaddr>', 'where others can dial, repeatable', collect)
    .option('--bootstrap <multiaddr>', 'a peer to ask first, repeatable', collect)
    .option('--zone <zone>', 'the grid area you live in')
    .option('--network <name>', 'the network to join')
    .option('--log-level <level>', 'trace, debug, info, warn, error, silent')
    .option('--set <option=value>', 'any option of "wattmesh config", repeatable', collect)
    .action((flags: RunFlags) => run(homeOf(program, terminal), flags, { terminal, engine }))
}

async function run(home: string, flags: RunFlags, { terminal, engine }: Stage): Promise<void> {
  const interrupted = terminal.interrupted()
  const config = loadConfig(home, terminal.env, optionsFrom(flags, { read: readOption }))
  const { seed } = openSeed(home, passphraseOf(terminal))
  const readable = isReadable(config, terminal)
  const log = createLog({ level: levelOf(config, readable), readable, destination: terminal.out })
  // What only a daemon needs is loaded only by one: the other commands start in a third of the time.
  const { createDaemon } = await import('./daemon.ts')
  const daemon = await createDaemon(engine, { config, seed, log, pid: terminal.pid })
  await daemon.start()
  try {
    if (readable) await greet(terminal, daemon, interrupted)
    else await sayReady(terminal, daemon)
    await tellSystemd(terminal.env, log, '--ready', `--status=${config.options.name || 'wattmesh'} is running`)
    if (!interrupted.aborted) await once(interrupted, 'abort')
  } finally {
    await end(daemon, { terminal, log, readable })
  }
}

interface Stage {
  readonly terminal: Terminal
  readonly engine: Engine
}

async function greet(terminal: Terminal, daemon: Daemon, signal: AbortSignal): Promise<void> {
  await printWelcome(terminal, daemon.client, daemon.apiPort())
  tellOfPeers(terminal, daemon.client, { clock: systemClock, signal })
}

/** The line a supervisor waits for: written whatever the log level is. */
async function sayReady(terminal: Terminal, { client, apiPort }: Daemon): Promise<void> {
  const { peerId, addresses } = await client.of(daemonCommands).status()
  const time = new Date(systemClock.now()).toISOString()
  printLine(terminal, JSON.stringify({ level: 30, time, peerId, addresses, apiPort: apiPort(), msg: 'ready' }))
}

async function end(daemon: Daemon, how: { terminal: Terminal; log: Log; readable: boolean }): Promise<void> {
  const { terminal, log, readable } = how
  if (readable) printLine(terminal, 'Stopping …')
  else log.info({}, 'stopping')
  await tellSystemd(terminal.env, log, 'STOPPING=1')
  await daemon.stop()
  if (readable) printLine(terminal, 'Stopped.')
  else log.info({}, 'stopped')
}

/** What is no option is left as text: the configuration refuses it with a suggestion. */
function readOption(path: string, text: string): unknown {
  const doc = optionDocs().find(candidate => candidate.path === path)
  return doc === undefined ? text : fromText(text, doc.schema)
}

function isReadable({ options }: Config, { out }: Terminal): boolean {
  return options.log.format === 'pretty' || (options.log.format === 'auto' && out.isTTY === true)
}

/** A person who watches is told what matters in lines of their own; more than warnings only when asked for. */
function levelOf({ options, origins }: Config, readable: boolean): LogLevel {
  return readable && !origins.has('log.level') ? 'warn' : options.log.level
}

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'smol-toml'
import { systemClock } from '../src/kernel/clock.ts'
import { CodedError, messageOf } from '../src/kernel/errors.ts'
import { createLog } from '../src/kernel/log.ts'
import { createMetrics } from '../src/kernel/metrics.ts'
import { decode } from '../src/protocol/decode.ts'
import { MAX_GOSSIP_BYTES } from '../src/protocol/limits.ts'
import { VERDICTS, type Verdict } from '../src/protocol/verdict.ts'
import { verify } from '../src/protocol/verify.ts'
import { openBootstrap } from './bootstrap.ts'

const USAGE = `npm run bootstrap -- [options]

  --home <folder>          identity and known peers       (~/.wattmesh-bootstrap)
  --network <name>         the network to serve           (wattmesh)
  --listen <multiaddr>     where to be dialled, repeatable (/ip4/0.0.0.0/tcp/4747)
  --announce <multiaddr>   public address, repeatable
  --peer <multiaddr>       another bootstrap peer, repeatable
  --peers <file>           a list of them, as in bootstrap/peers.example.toml
  --preshared-key-file <f> a swarm.key file: a closed network
  --max-connections <n>    open connections at most       (500)
`

interface Flags {
  readonly home: string
  readonly network: string
  readonly listen: string[]
  readonly announce: string[]
  readonly peer: string[]
  readonly peers?: string
  readonly 'preshared-key-file'?: string
  readonly 'max-connections': string
  readonly help: boolean
}

function flagsOf(argv: readonly string[]): Flags {
  const many = { type: 'string', multiple: true, default: [] as string[] } as const
  const { values } = parseArgs({
    args: [...argv],
    options: {
      home: { type: 'string', default: join(homedir(), '.wattmesh-bootstrap') },
      network: { type: 'string', default: 'wattmesh' },
      listen: { ...many, default: ['/ip4/0.0.0.0/tcp/4747'] },
      announce: many,
      peer: many,
      peers: { type: 'string' },
      'preshared-key-file': { type: 'string' },
      'max-connections': { type: 'string', default: '500' },
      help: { type: 'boolean', default: false },
    },
  })
  return values
}

/** The same file that a daemon takes as its configuration. */
function listedPeers(file: string | undefined): string[] {
  if (file === undefined) return []
  const content = parse(readFileSync(file, 'utf8')) as { network?: { bootstrap?: unknown } }
  const list = content.network?.bootstrap
  if (Array.isArray(list) && list.every(entry => typeof entry === 'string')) return list
  throw new CodedError('BOOTSTRAP_BAD_PEERS', `${file} holds no list of peers`, {
    hint: 'write it like bootstrap/peers.example.toml',
  })
}

async function main(): Promise<void> {
  const flags = flagsOf(process.argv.slice(2))
  if (flags.help) {
    process.stdout.write(USAGE)
    return
  }
  const maxConnections = Number(flags['max-connections'])
  if (!Number.isInteger(maxConnections) || maxConnections < 1) {
    throw new CodedError('BOOTSTRAP_BAD_FLAG', '--max-connections is not a number of connections')
  }
  const passphrase = process.env['WATTMESH_PASSPHRASE']
  const { home, network, listen, announce } = flags
  const keyFile = flags['preshared-key-file']
  const closed = keyFile === undefined ? {} : { presharedKey: readFileSync(keyFile) }
  const bootstrap = await openBootstrap({
    options: {
      home,
      network,
      listen,
      announce,
      peers: [...flags.peer, ...listedPeers(flags.peers)],
      maxConnections,
      ...closed,
    },
    ...(passphrase === undefined ? {} : { passphrase }),
    onGossip: async (_topic, bytes) => genuine(bytes, network),
    clock: systemClock,
    random: Math.random,
    log: createLog({ level: 'info', readable: process.stdout.isTTY === true, destination: process.stdout }),
    metrics: createMetrics(),
  })
  stopOnSignal(() => bootstrap.stop())
  await bootstrap.start()
  tellSystemd(`watching over ${network} as ${bootstrap.peerId}`)
}

/** A bootstrap peer passes on what is signed, in time and of its network; what it says is for others to judge. */
function genuine(bytes: Uint8Array, network: string): Verdict {
  const decoded = decode(bytes, MAX_GOSSIP_BYTES)
  const invalid = decoded.ok ? verify(decoded, { peerId: decoded.envelope.to, network }, systemClock.now()) : decoded
  return invalid === undefined ? 'accept' : VERDICTS[invalid.code].verdict
}

/** The first signal stops cleanly, a second one at once. */
function stopOnSignal(stop: () => Promise<void>): void {
  let asked = false
  const onSignal = () => {
    if (asked) process.exit(130)
    asked = true
    stop().then(() => process.exit(0), fail)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

function tellSystemd(status: string): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return
  execFile('systemd-notify', ['--ready', `--status=${status}`], error => {
    if (error !== null) process.stderr.write(`cannot tell systemd: ${error.message}\n`)
  })
}

function fail(error: unknown): never {
  process.stderr.write(`${messageOf(error)}\n`)
  if (error instanceof CodedError && error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`)
  process.exit(1)
}

main().catch(fail)

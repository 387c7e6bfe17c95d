import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSeed } from '../../config/identity.ts'
import { identityFromSeed } from '../../protocol/keys.ts'
import type { Actor } from '../scenario/street.ts'
import { createDaemon, type Daemon } from './daemon.ts'

export interface FleetOptions {
  /** Everything the run writes; one folder a daemon. */
  readonly directory: string
  readonly networkName: string
  /** Options all daemons share, by path. */
  readonly shared: Readonly<Record<string, string | number | boolean>>
}

/** A whole network of real processes on this machine. */
export interface Fleet {
  readonly bootstrap: Daemon
  readonly daemons: readonly Daemon[]
  start(onStarted: (name: string) => void): Promise<void>
  stop(): Promise<void>
}

/** Daemons that start at a time: start-up is busy, and machines have few cores. */
const SIDE_BY_SIDE = 2
const LISTEN = '/ip4/127.0.0.1/tcp/0'

export function createFleet(actors: readonly Actor[], options: FleetOptions): Fleet {
  const homeOf = (name: string): string => {
    const home = join(options.directory, name)
    mkdirSync(home, { recursive: true })
    return home
  }
  const bootHome = homeOf('bootstrap')
  const bootArguments = ['--home', bootHome, '--network', options.networkName, '--listen', LISTEN]
  const bootstrap = createDaemon({
    name: 'bootstrap',
    home: bootHome,
    command: [script('bootstrap/main'), ...bootArguments],
    api: false,
  })
  /** Made before its first start, so that others can name it. */
  const peerIdOf = (name: string): string => identityFromSeed(openSeed(homeOf(name)).seed).peerId
  const daemons = actors.map(actor => {
    const home = homeOf(actor.name)
    const named = actor.utilities ?? []
    const trust = named.length === 0 ? {} : { 'household.utilities': named.map(peerIdOf).join(',') }
    const command = [script('src/main'), '--home', home, 'run', ...flags(actor, trust, options)]
    return createDaemon({ name: actor.name, home, command, api: true })
  })

  async function start(onStarted: (name: string) => void): Promise<void> {
    await bootstrap.start()
    onStarted('bootstrap')
    const waiting = [...daemons]
    const address = bootstrap.ready().addresses[0] ?? ''
    await Promise.all(
      Array.from({ length: SIDE_BY_SIDE }, async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          await next.start(address)
          onStarted(next.plan.name)
        }
      }),
    )
  }

  return {
    bootstrap,
    daemons,
    start,
    stop: async () => void (await Promise.allSettled([...daemons, bootstrap].map(daemon => daemon.stop()))),
  }
}

function flags(actor: Actor, trust: Actor['options'], { shared, networkName }: FleetOptions): string[] {
  const set = {
    'network.listen': LISTEN,
    'network.mdns': false,
    'network.name': networkName,
    'network.relayClient': false,
    'network.autonat': false,
    'network.dcutr': false,
    'log.format': 'json',
    ...shared,
    ...actor.options,
    ...trust,
  }
  return [
    '--name',
    actor.name,
    '--roles',
    actor.roles.join(','),
    ...Object.entries(set).flatMap(([path, value]) => ['--set', `${path}=${value}`]),
  ]
}

/** Scripts stand beside this file's own tree, as TypeScript here and as JavaScript in a release. */
function script(path: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return fileURLToPath(new URL(`../../../${path}${extension}`, import.meta.url))
}

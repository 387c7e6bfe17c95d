import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { messageOf } from '../../src/kernel/errors.ts'

export interface Lan extends Disposable {
  /** One machine a name: its own namespace, its own address, one cable to the bridge. */
  readonly machines: readonly Machine[]
}

export interface Machine {
  readonly namespace: string
  readonly address: string
}

/** Why namespaces cannot be used here, or undefined. */
export function namespacesMissing(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.getuid?.() !== 0) return 'needs root'
  const probe = nameOf('probe')
  try {
    ip('netns', 'add', probe)
    ip('netns', 'delete', probe)
    return undefined
  } catch (error) {
    return `needs iproute2 and the right to make network namespaces (${messageOf(error).split('\n')[0]})`
  }
}

/** Machines joined by a bridge that lives in a namespace of its own: nothing on the real machine's network changes. */
export function createLan(size: number): Lan {
  const hub = nameOf('hub')
  const made: string[] = []
  const lan: Lan = {
    machines: [],
    [Symbol.dispose]() {
      // A veth goes with the namespace it is in.
      for (const namespace of made.splice(0)) ip('netns', 'delete', namespace)
    },
  }
  const add = (namespace: string) => {
    ip('netns', 'add', namespace)
    made.push(namespace)
  }
  try {
    add(hub)
    ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge')
    // Without this the first multicast is held back until the bridge knows who listens.
    ip('-n', hub, 'link', 'set', 'bridge', 'type', 'bridge', 'mcast_snooping', '0', 'forward_delay', '0')
    ip('-n', hub, 'link', 'set', 'bridge', 'up')
    const machines = Array.from({ length: size }, (_, i) => ({
      namespace: nameOf(`m${i}`),
      address: `10.77.0.${i + 1}`,
    }))
    for (const [i, machine] of machines.entries()) {
      add(machine.namespace)
      plugIn(machine, hub, `port${i}`)
    }
    return { ...lan, machines }
  } catch (error) {
    lan[Symbol.dispose]()
    throw error
  }
}

function plugIn({ namespace, address }: Machine, hub: string, port: string): void {
  ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  ip('-n', hub, 'link', 'set', port, 'master', 'bridge', 'up')
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
  ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
  ip('-n', namespace, 'link', 'set', 'eth0', 'up')
  // A machine without a default route needs one for multicast, or mDNS finds nobody and says nothing.
  ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0')
}

/** Pulls or plugs in the cable of a machine. */
export function setCable({ namespace }: Machine, state: 'up' | 'down'): void {
  ip('-n', namespace, 'link', 'set', 'eth0', state)
  if (state === 'up') ip('-n', namespace, 'route', 'replace', '224.0.0.0/4', 'dev', 'eth0')
}

function nameOf(what: string): string {
  return `wattmesh-${process.pid}-${randomBytes(3).toString('hex')}-${what}`
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { bindable, knock, tcpOf } from './addresses.ts'
import { type Finding, ok, problem, skipped, warning } from './finding.ts'

const run = promisify(execFile)
const KNOCK_MS = 3_000
const SYNCHRONISED = '/run/systemd/timesync/synchronized'

/** Signatures are dated: a clock that is wrong makes a peer unheard. */
export async function checkTimeSource(): Promise<Finding> {
  if (existsSync(SYNCHRONISED)) return ok('time source', 'the clock is set over the network')
  try {
    const { stdout } = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], { timeout: 2_000 })
    if (stdout.trim() === 'yes') return ok('time source', 'the clock is set over the network')
    return warning('time source', 'the clock is not set over the network', 'run "sudo timedatectl set-ntp true"')
  } catch {
    return skipped('time source', 'this system does not tell whether its clock is set over the network')
  }
}

/** Whether the daemon, once started, could listen where it is told to. */
export async function checkPortsFree(listen: readonly string[]): Promise<Finding> {
  for (const address of listen) {
    const tcp = tcpOf(address)
    if (tcp === undefined || tcp.port === 0) continue
    const code = await bindable(tcp)
    if (code === 'EADDRINUSE') {
      const fix = `stop the other program (ss -ltnp 'sport = :${tcp.port}' names it), or change network.listen`
      return problem('port', `port ${tcp.port} is in use by another program`, fix)
    }
    if (code !== undefined) return problem('port', `cannot listen on ${address}: ${code}`, 'change network.listen')
  }
  return ok('port', `${listen.join(', ')} can be listened on`)
}

/** Without a way for 224.0.0.251 out of the machine nobody is found, and nothing says so. */
export function checkMulticast(mdns: boolean, connected: number): Finding {
  if (!mdns) return skipped('local discovery', 'network.mdns is off')
  const outside = Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  if (outside.length === 0) {
    return warning('local discovery', 'this machine is on no network', 'connect it; until then only itself is found')
  }
  const routes = routesFile()
  if (routes === undefined) return skipped('local discovery', 'this system does not list its routes')
  if (multicastRoute(routes)) return ok('local discovery', 'neighbours on the local network can be found')
  const fix = 'run "sudo ip route add 224.0.0.0/4 dev <interface>", or give peers with network.bootstrap'
  return hinders(connected)('local discovery', 'no route leads to the multicast addresses neighbours are found by', fix)
}

/** A way to peers that is shut matters less to who has some. */
function hinders(connected: number): typeof problem {
  return connected === 0 ? problem : warning
}

function routesFile(): string | undefined {
  try {
    return readFileSync('/proc/net/route', 'utf8')
  } catch {
    return undefined
  }
}

/** A default route, or one that covers 224.0.0.251, among the kernel's (addresses in hex, bytes reversed). */
export function multicastRoute(routes: string): boolean {
  const group = 0xe00000fb
  return routes
    .trim()
    .split('\n')
    .slice(1)
    .some(line => {
      const [, destination = '', , flags = '0', , , , mask = ''] = line.split('\t')
      const up = (Number.parseInt(flags, 16) & 1) === 1
      return up && (group & reversed(mask)) >>> 0 === reversed(destination)
    })
}

function reversed(hex: string): number {
  return Buffer.from(hex.padStart(8, '0'), 'hex').readUInt32LE(0)
}

export async function checkBootstrap(addresses: readonly string[], connected: number): Promise<Finding[]> {
  return Promise.all(
    addresses.map(async address => {
      const tcp = tcpOf(address)
      if (tcp === undefined) return skipped('bootstrap', `${address} is not a TCP address`)
      const reason = await knock(tcp, KNOCK_MS)
      if (reason === undefined) return ok('bootstrap', `${tcp.host} port ${tcp.port} answers`)
      const fix = 'check the address with whoever runs that peer, and that a firewall lets TCP out to it'
      return hinders(connected)('bootstrap', `${tcp.host} port ${tcp.port} cannot be reached: ${reason}`, fix)
    }),
  )
}

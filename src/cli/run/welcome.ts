import { styleText } from 'node:util'
import type { Commands } from '../../commands.ts'
import { type Clock, repeat } from '../../kernel/clock.ts'
import { plainText } from '../terminal/table.ts'
import { printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, shortPeer } from '../terminal/units.ts'

const LOOK_MS = 500
/** A peer's name comes a moment after its connection; one that says nothing is named by its id. */
const PATIENCE_MS = 5_000

/** Who I am, for a person who has just started it. */
export async function printWelcome(terminal: Terminal, commands: Commands, apiPort: number): Promise<void> {
  const status = await commands.status()
  const rows: [string, string][] = [
    ['peer id', status.peerId],
    ['did', status.did],
    ['roles', `${status.roles.join(', ')} in ${status.zone} of ${status.network}`],
    ...status.addresses.map((address): [string, string] => ['listens at', address.replace(/\/p2p\/.*$/, '')]),
    ['data', status.home],
    ['api', `http://127.0.0.1:${apiPort}`],
  ]
  const strong = (text: string) => styleText('bold', text, { stream: terminal.out })
  const dim = (text: string) => styleText('dim', text, { stream: terminal.out })
  printLine(terminal, strong(status.name === '' ? 'This peer is running' : `${status.name} is running`))
  for (const [title, value] of rows) printLine(terminal, `  ${dim(title.padEnd(11))} ${value}`)
  printLine(terminal, dim('Looking for peers; Ctrl-C stops.'))
}

/** A line for each peer met and lost, until the signal. */
export function tellOfPeers(
  terminal: Terminal,
  commands: Commands,
  watch: { clock: Clock; signal: AbortSignal },
): void {
  const met = new Map<string, string>()
  const { clock, signal } = watch
  const say = (line: string) => printLine(terminal, plainText(line))

  function look(): void {
    const here = commands.peers().filter(peer => peer.connected !== undefined)
    for (const { peer, name, roles, connected } of here) {
      const anonymous = roles === undefined
      if (met.has(peer) || (anonymous && clock.now() - (connected?.sinceMs ?? 0) < PATIENCE_MS)) continue
      const called = name === undefined || name === '' ? shortPeer(peer) : name
      const latency = connected?.latencyMs === undefined ? '' : `, ${duration(connected.latencyMs)} away`
      say(`found ${called} (${roles?.join(', ') ?? 'says nothing of itself'}${latency})`)
      met.set(peer, called)
    }
    for (const [peer, called] of met) {
      if (here.some(other => other.peer === peer)) continue
      say(`lost ${called}`)
      met.delete(peer)
    }
  }

  void repeat(clock, LOOK_MS, signal, look)
}

import { styleText } from 'node:util'
import type { Client } from '../../daemon/command.ts'
import { daemonCommands } from '../../daemon/commands.ts'
import { type PeerAnswer, peersCommands } from '../../domains/peers/commands.ts'
import { type Clock, repeat } from '../../kernel/clock.ts'
import { plainText } from '../terminal/table.ts'
import { printLine, type Terminal } from '../terminal/terminal.ts'
import { shortPeer } from '../terminal/units.ts'

const LOOK_MS = 500
/** A peer's name comes a moment after its connection; one that says nothing is named by its id. */
const PATIENCE_MS = 5_000

/** Who I am, for a person who has just started it. */
export async function printWelcome(terminal: Terminal, client: Client, apiPort: number): Promise<void> {
  const status = await client.of(daemonCommands).status()
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
export function tellOfPeers(terminal: Terminal, client: Client, watch: { clock: Clock; signal: AbortSignal }): void {
  const { clock, signal } = watch
  const met = new Map<string, PeerAnswer>()

  async function look(): Promise<void> {
    const here = (await client.of(peersCommands).peers()).filter(row => row.connected !== undefined)
    for (const row of here.filter(({ peer }) => !met.has(peer))) {
      if (isShy(row, clock.now())) continue
      met.set(row.peer, row)
      printLine(terminal, plainText(`found ${called(row)} (${row.roles?.join(', ') ?? 'says nothing of itself'})`))
    }
    for (const [peer, row] of met) {
      if (here.some(other => other.peer === peer)) continue
      met.delete(peer)
      printLine(terminal, plainText(`lost ${called(row)}`))
    }
  }

  void repeat(clock, LOOK_MS, signal, look)
}

/** Connected just now, and it may still say who it is. */
function isShy({ roles, connected }: PeerAnswer, nowMs: number): boolean {
  return roles === undefined && nowMs - (connected?.sinceMs ?? 0) < PATIENCE_MS
}

function called({ name, peer }: PeerAnswer): string {
  return name === undefined || name === '' ? shortPeer(peer) : name
}

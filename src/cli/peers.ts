import type { Command } from 'commander'
import { openClient } from '../api/client.ts'
import { type PeerAnswer, peersCommands } from '../domains/peers/commands.ts'
import { systemClock } from '../kernel/clock.ts'
import { printTable } from './terminal/table.ts'
import { homeOf, printLine, type Terminal } from './terminal/terminal.ts'
import { duration, shortPeer } from './terminal/units.ts'

export function registerPeers(program: Command, terminal: Terminal): void {
  const peers = program
    .command('peers')
    .description('who is connected, and who was heard of')
    .option('--json', 'for programs')
    .action(({ json }: { json?: boolean }) => list(json === true))

  peers
    .command('connect <address>')
    .description('dial a peer id or a multiaddr')
    .action(async (address: string) => {
      await openClient(homeOf(program, terminal)).of(peersCommands).connect({ address })
      printLine(terminal, `connected to ${address}`)
    })

  async function list(json: boolean): Promise<void> {
    const rows = await openClient(homeOf(program, terminal)).of(peersCommands).peers()
    const now = systemClock.now()
    printTable(terminal, {
      rows: rows.toSorted(connectedFirst),
      json,
      none: 'No peers yet. "wattmesh doctor" looks for the reason.',
      columns: [
        { title: 'name', cell: row => row.name ?? '–' },
        { title: 'roles', cell: row => row.roles?.join(', ') ?? '–' },
        { title: 'zone', cell: row => row.zone ?? '–' },
        { title: 'peer', cell: row => shortPeer(row.peer) },
        { title: 'takes work', cell: takesWork },
        { title: 'connection', cell: connection },
        { title: 'latency', right: true, cell: ({ connected }) => latency(connected?.latencyMs) },
        {
          title: 'since',
          right: true,
          cell: ({ connected }) => (connected === undefined ? '–' : duration(now - connected.sinceMs)),
        },
      ],
    })
  }
}

function connectedFirst(a: PeerAnswer, b: PeerAnswer): number {
  const by = Number(b.connected !== undefined) - Number(a.connected !== undefined)
  return by === 0 ? (a.name ?? '').localeCompare(b.name ?? '') : by
}

function connection({ connected }: PeerAnswer): string {
  if (connected === undefined) return 'heard of'
  const direction = { inbound: 'in', outbound: 'out' }[connected.direction]
  return connected.relayed ? `${direction}, relayed` : direction
}

/** As it said itself, some minutes ago at most. */
function takesWork({ roles, availability, slots }: PeerAnswer): string {
  if (roles?.includes('compute') !== true || availability === undefined) return '–'
  return availability === 'closed' ? 'not now' : `${slots} tasks${availability === 'limited' ? ', limited' : ''}`
}

function latency(ms: number | undefined): string {
  return ms === undefined ? '–' : duration(ms)
}

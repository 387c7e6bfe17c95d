import { styleText } from 'node:util'
import type { Command } from 'commander'
import { openClient } from '../api/client.ts'
import { daemonCommands, type StatusAnswer } from '../daemon/commands.ts'
import { homeOf, printJson, printLine, type Terminal } from './terminal/terminal.ts'
import { bytes, duration, energy } from './terminal/units.ts'

/** A line of the answer to "does it work?"; `next`: what to do when not. */
interface Line {
  readonly good: boolean
  readonly said: string
  readonly next?: string
}

export function registerStatus(program: Command, terminal: Terminal): void {
  program
    .command('status')
    .description('is it running, reachable, getting work')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await openClient(homeOf(program, terminal)).of(daemonCommands).status()
      if (json === true) return printJson(terminal, status)
      print(status, terminal)
    })
}

function print(status: StatusAnswer, terminal: Terminal): void {
  const dim = (text: string) => styleText('dim', text, { stream: terminal.out })
  const verdicts: [string, Line][] = [
    ['running', running(status)],
    ['reachable', reachable(status)],
    ['getting work', gettingWork(status)],
  ]
  for (const [title, { good, said, next }] of verdicts) {
    const mark = styleText(good ? 'green' : 'yellow', good ? '✔' : '!', { stream: terminal.out })
    printLine(terminal, `${mark} ${title.padEnd(13)} ${said}`)
    if (next !== undefined) printLine(terminal, `  ${' '.repeat(13)} ${dim(`→ ${next}`)}`)
  }
  printLine(terminal)
  for (const [title, said] of facts(status)) printLine(terminal, `  ${dim(title.padEnd(13))} ${said}`)
}

function running({ name, peerId, version, startedMs, nowMs, memoryBytes }: StatusAnswer): Line {
  const who = name === '' ? peerId : `${name} (${peerId})`
  const age = duration(nowMs - startedMs)
  return { good: true, said: `${who}, version ${version}, for ${age}, ${bytes(memoryBytes)} of memory` }
}

function reachable({ peers, reachability }: StatusAnswer): Line {
  if (peers.connected === 0) {
    return { good: false, said: 'connected to nobody', next: '"wattmesh doctor" looks for the reason' }
  }
  const { status, addresses, dialBack } = reachability
  const with_ = `${peers.connected} ${peers.connected === 1 ? 'peer' : 'peers'} connected`
  if (status === 'public') {
    const where = dialBack?.address ?? addresses[0]
    return { good: true, said: `${with_}; others can dial this one${where === undefined ? '' : ` at ${where}`}` }
  }
  if (status === 'unknown') {
    return {
      good: true,
      said: `${with_}; whether others can dial this one was not tried`,
      next: '"wattmesh doctor" tries',
    }
  }
  return {
    good: false,
    said: `${with_}, but nobody could dial this one${dialBack?.reason === undefined ? '' : `: ${dialBack.reason}`}`,
    next: 'open the port in the router or firewall; until then connections go out only, or through a relay',
  }
}

function gettingWork({ work, peers, compute }: StatusAnswer): Line {
  if (!work.offered) {
    return { good: true, said: 'this peer offers no compute', next: 'to take tasks of others, add the role "compute"' }
  }
  if (compute?.allowed === false) {
    return { good: true, said: compute.sentence, next: '"wattmesh compute" says more' }
  }
  const said = `${work.running} running, ${work.open} accepted`
  if (work.open + work.running > 0) return { good: true, said }
  if (peers.connected === 0) {
    return {
      good: false,
      said: 'offered, but there is nobody to ask for it',
      next: '"wattmesh doctor" looks for the reason',
    }
  }
  return { good: true, said: `offered; nobody of ${peers.connected} connected asks for it just now` }
}

function facts(status: StatusAnswer): [string, string][] {
  const { peers, trading, household, journal, compute } = status
  const found = Object.entries(peers.discovered).flatMap(([source, count]) =>
    count === 0 ? [] : [`${source} ${count}`],
  )
  return [
    ['roles', status.roles.join(', ')],
    ['network', `${status.network}, zone ${status.zone}`],
    ...status.addresses.map((address): [string, string] => ['listens at', address]),
    ['peers', `${peers.connected} connected, ${peers.known} known, ${status.dhtPeers} in the directory`],
    ['found by', found.length === 0 ? '–' : found.join(', ')],
    ['trades', counted(trading.trades)],
    ['needs', counted(trading.needs)],
    ['offers from', `${trading.catalogs} ${trading.catalogs === 1 ? 'seller' : 'sellers'}`],
    ['battery', household === undefined ? 'no household here' : `${energy(household.socWh)}; ${household.reason}`],
    ...(compute === undefined ? [] : [['compute', compute.sentence] satisfies [string, string]]),
    ['journal', counted(journal)],
    ['data', status.home],
  ]
}

function counted(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([state, count]) => `${count} ${state.replace('.', ' ')}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

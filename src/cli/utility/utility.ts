import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Client, openClient } from '../../api/client.ts'
import { daemonCommands } from '../../daemon/commands.ts'
import { homeOf, printLine, type Terminal } from '../terminal/terminal.ts'
import { showSoc } from './soc.ts'

export function registerUtility(program: Command, terminal: Terminal): void {
  const utility = program.command('utility').description('what a utility sees of its zone')
  const client = () => openClient(homeOf(program, terminal))

  utility
    .command('soc')
    .description('the state of charge of the households that consent, and how it went')
    .option('--json', 'for programs')
    .action(({ json }: { json?: boolean }) => showSoc(client(), terminal, json === true))

  utility
    .command('report')
    .description('write the report as it is now: report.json, and report.html to open in a browser')
    .option('--out <dir>', 'where to', '.')
    .action(({ out }: { out: string }) => writeReport(client(), resolve(terminal.cwd, out), terminal))
}

/** A report of any peer: a household's tells of its own trades only. */
async function writeReport(client: Client, directory: string, terminal: Terminal): Promise<void> {
  const { json, html } = await client.of(daemonCommands).report()
  mkdirSync(directory, { recursive: true })
  const page = join(directory, 'report.html')
  writeFileSync(join(directory, 'report.json'), json)
  writeFileSync(page, html)
  printLine(terminal, `wrote ${page} and report.json beside it; the page needs no network to open`)
}

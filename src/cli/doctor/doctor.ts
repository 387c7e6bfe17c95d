import { styleText } from 'node:util'
import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import type { Config } from '../../config/config.ts'
import { daemonCommands, type HealthAnswer } from '../../daemon/commands.ts'
import { CodedError } from '../../kernel/errors.ts'
import { plainText } from '../terminal/table.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { checkDaemon } from './daemon-checks.ts'
import { type Finding, ok, problem } from './finding.ts'
import { checkConfig, checkDisk, checkKey } from './home-checks.ts'
import { checkBootstrap, checkMulticast, checkPortsFree, checkTimeSource } from './machine-checks.ts'

export function registerDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description('look for what keeps this peer from working, and say how to mend it')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await examine(homeOf(program, terminal), terminal)
      if (json === true) printJson(terminal, findings)
      else print(findings, terminal)
      if (findings.some(({ level }) => level === 'problem')) terminal.fail()
    })
}

async function examine(home: string, terminal: Terminal): Promise<Finding[]> {
  const { finding: configFinding, config } = checkConfig(home, terminal)
  const own = [checkKey(home, terminal), configFinding, checkDisk(home), await checkTimeSource()]
  const { finding, health } = await askDaemon(home)
  return [finding, ...own, ...(health === undefined ? await withoutDaemon(config) : await withDaemon(health))]
}

async function askDaemon(home: string): Promise<{ finding: Finding; health?: HealthAnswer }> {
  try {
    return { health: await openClient(home).of(daemonCommands).health(), finding: ok('daemon', 'it is running') }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return { finding: problem('daemon', error.message, error.hint ?? 'look in its log') }
  }
}

/** A running daemon knows best what it was told: flags count too. */
async function withDaemon(health: HealthAnswer): Promise<Finding[]> {
  const { mdns, connected, bootstrap } = health
  return [...checkDaemon(health), checkMulticast(mdns, connected), ...(await checkBootstrap(bootstrap, connected))]
}

async function withoutDaemon(config: Config | undefined): Promise<Finding[]> {
  if (config === undefined) return []
  const { listen, mdns, bootstrap } = config.options.network
  return [await checkPortsFree(listen), checkMulticast(mdns, 0), ...(await checkBootstrap(bootstrap, 0))]
}

const MARK = {
  ok: ['green', '✔'],
  warning: ['yellow', '!'],
  problem: ['red', '✘'],
  skipped: ['dim', '–'],
} as const satisfies Record<Finding['level'], readonly [string, string]>

function print(findings: readonly Finding[], terminal: Terminal): void {
  const colour = { stream: terminal.out }
  const width = Math.max(...findings.map(({ check }) => check.length))
  for (const { check, level, said, fix } of findings) {
    const [style, mark] = MARK[level]
    printLine(terminal, `${styleText(style, mark, colour)} ${check.padEnd(width)}  ${plainText(said)}`)
    if (fix !== undefined)
      printLine(terminal, `  ${' '.repeat(width)}  ${styleText('dim', `→ ${plainText(fix)}`, colour)}`)
  }
  const count = (level: Finding['level']) => findings.filter(finding => finding.level === level).length
  printLine(terminal)
  printLine(terminal, verdict(count('problem'), count('warning')))
}

function verdict(problems: number, warnings: number): string {
  if (problems === 0 && warnings === 0) return 'All is well.'
  const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`
  return `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}.`
}

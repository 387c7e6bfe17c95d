import type { Command } from 'commander'
import { runLocal } from '../harness/local.ts'
import { CodedError } from '../kernel/errors.ts'
import type { Terminal } from './terminal/terminal.ts'

interface Flags {
  readonly scenario: string
  readonly households: string
  readonly utilities: string
  readonly compute: string
  readonly seconds: string
  readonly days?: string
  readonly speed?: string
  readonly slot?: string
  readonly offline: string
  readonly loss: string
  readonly kill: string
  readonly seed: string
  readonly text: string
  readonly data?: string
  readonly json?: string
  readonly record?: string
  readonly html?: string
}

/** `wattmesh local`: a whole network of real daemons on this machine, run, killed here and there, and judged. */
export function registerLocal(program: Command, terminal: Terminal): void {
  program
    .command('local')
    .description('run a whole network of real daemons on this machine, and judge it')
    .option('--scenario <name>', 'what they do: street', 'street')
    .option('--households <n>', 'households: odd ones buy, even ones sell', '4')
    .option('--utilities <n>', 'utilities', '1')
    .option('--compute <n>', 'how many compute: households first, then peers of their own', '2')
    .option('--seconds <s>', 'how long they live', '30')
    .option('--days <n>', 'how long they live, in days of market time')
    .option('--speed <times>', 'market time against real time; 180 (360 with --days): a slot takes 5 s')
    .option('--slot <minutes>', 'length of a delivery slot in market time; 15 (30 with --days)')
    .option('--offline <percent>', 'share of the households that play dead in each slot', '30')
    .option('--loss <percent>', 'share of all messages that are lost on arrival', '0')
    .option('--kill <percent>', 'share of the peers killed on the way, and started again', '0')
    .option('--seed <n>', 'seed of everything random: who is killed when, who plays dead', '1')
    .option('--text <kB>', 'text to chunk and embed, from the README files of installed packages', '100')
    .option('--data <dir>', 'replay real homes: hourly load and PV files in kWh')
    .option('--json <file>', 'write the report')
    .option('--html <file>', 'write the page with the plots')
    .option('--record <dir>', 'keep the journal of every peer, and each Beckn message as a file')
    .action(async (flags: Flags) => {
      if (flags.scenario !== 'street') {
        throw new CodedError('HARNESS_SCENARIO', `no scenario is called ${flags.scenario}`, {
          hint: 'there is: street',
        })
      }
      const options = {
        ...{
          households: number(flags, 'households'),
          utilities: number(flags, 'utilities'),
          compute: number(flags, 'compute'),
        },
        ...duration(flags),
        seed: number(flags, 'seed'),
        ...{
          offlinePercent: percent(flags, 'offline'),
          lossPercent: percent(flags, 'loss'),
          killPercent: percent(flags, 'kill'),
          textKb: number(flags, 'text'),
        },
        ...files(flags),
        killWorker: false,
      }
      const signal = terminal.interrupted()
      const { invariants } = await runLocal(options, { stdout: terminal.out, signal })
      if (signal.aborted || invariants.some(invariant => !invariant.holds)) terminal.fail()
    })
}

function files({ data, json, record, html }: Flags) {
  return Object.fromEntries(Object.entries({ data, json, record, html }).filter(([, path]) => path !== undefined))
}

const DAY_SECONDS = 24 * 60 * 60
/** Either way a slot takes five seconds of real time. */
const PACE = { seconds: { speed: 180, slotMinutes: 15 }, days: { speed: 360, slotMinutes: 30 } }

/** Days of market time take as long as the speed makes them. */
function duration(flags: Flags): { seconds: number; speed: number; slotMinutes: number } {
  const pace = flags.days === undefined ? PACE.seconds : PACE.days
  const speed = flags.speed === undefined ? pace.speed : number(flags, 'speed')
  const slotMinutes = flags.slot === undefined ? pace.slotMinutes : Math.max(1, Math.round(number(flags, 'slot')))
  if (speed < 1) throw new CodedError('HARNESS_FLAG', '--speed must be at least 1', { hint: 'try --speed 180' })
  return {
    speed,
    slotMinutes,
    seconds: flags.days === undefined ? number(flags, 'seconds') : (number(flags, 'days') * DAY_SECONDS) / speed,
  }
}

function number(flags: Flags, name: keyof Flags): number {
  const value = Number(flags[name])
  if (Number.isFinite(value) && value >= 0) return value
  throw new CodedError('HARNESS_FLAG', `--${name} ${flags[name]} is no number`, { hint: 'see "wattmesh local --help"' })
}

function percent(flags: Flags, name: keyof Flags): number {
  const text = String(flags[name])
  const value = Number(text.replace(/ ?%$/, ''))
  if (Number.isFinite(value) && value >= 0 && value <= 100) return value
  throw new CodedError('HARNESS_FLAG', `--${name} ${text} is no percentage`, { hint: 'write it as 20%' })
}

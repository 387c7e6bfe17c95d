import type { Command } from 'commander'
import { type CrowdWork, runLocal } from '../harness/local.ts'
import { runSurplus } from '../harness/surplus.ts'
import { CodedError } from '../kernel/errors.ts'
import type { Terminal } from './terminal/terminal.ts'

interface Flags {
  readonly scenario: string
  readonly households?: string
  readonly utilities?: string
  readonly compute: string
  readonly tasks?: string
  readonly liars?: string
  readonly lies: string
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
    .option('--scenario <name>', 'what they do: street; surplus: real homes compute on their own sun', 'street')
    .option('--households <n>', 'households: odd ones buy, even ones sell; 10, with --tasks none')
    .option('--utilities <n>', 'utilities; 1, with --tasks none')
    .option('--compute <n>', 'how many compute: households first, then peers of their own', '2')
    .option('--tasks <n>', 'small tasks for them; the run lasts until they are done')
    .option('--liars <percent>', 'with --tasks: share of those who compute that give wrong results')
    .option('--lies <percent>', 'share of their results that are wrong', '100')
    .option('--seconds <s>', 'how long they live', '30')
    .option('--days <n>', 'how long they live, in days of market time')
    .option('--speed <times>', 'market time against real time; 180 (360 with --days)')
    .option('--slot <minutes>', 'length of a delivery slot in market time; 15 (60 with --days)')
    .option('--offline <percent>', 'share of the households that cannot be reached, drawn for each search', '30')
    .option('--loss <percent>', 'share of all messages that are lost on arrival', '0')
    .option('--kill <percent>', 'share of the peers killed on the way, and started again', '0')
    .option('--seed <n>', 'seed of everything random: who is killed when, who plays dead', '1')
    .option('--text <kB>', 'text to chunk and embed, from the README files of installed packages', '100')
    .option('--data <dir>', 'replay real homes: hourly load and PV files in kWh')
    .option('--json <file>', 'write the report')
    .option('--html <file>', 'write the page with the plots')
    .option('--record <dir>', 'keep the journal of every peer, and each Beckn message as a file')
    .action(async (flags: Flags) => {
      if (flags.scenario === 'surplus') return await surplus(flags, terminal)
      if (flags.scenario !== 'street') {
        throw new CodedError('HARNESS_SCENARIO', `no scenario is called ${flags.scenario}`, {
          hint: 'there are: street, surplus',
        })
      }
      const options = {
        ...peopleOf(flags),
        compute: number(flags, 'compute'),
        ...crowdOf(flags),
        ...duration(flags),
        seed: number(flags, 'seed'),
        offlinePercent: percent(flags, 'offline'),
        lossPercent: percent(flags, 'loss'),
        killPercent: percent(flags, 'kill'),
        textKb: number(flags, 'text'),
        ...files(flags),
        killWorker: false,
      }
      const signal = terminal.interrupted()
      const { invariants } = await runLocal(options, { stdout: terminal.out, signal })
      if (signal.aborted || invariants.some(invariant => !invariant.holds)) terminal.fail()
    })
}

const SURPLUS_DAYS = 14
const MAX_SURPLUS_DAYS = 365

/** No daemons: their decision alone, over days of real homes. */
async function surplus(flags: Flags, terminal: Terminal): Promise<void> {
  const { data } = flags
  if (data === undefined) {
    throw new CodedError('HARNESS_FLAG', 'the scenario surplus needs real homes', { hint: 'add --data DIR' })
  }
  const days = flags.days === undefined ? SURPLUS_DAYS : Math.floor(number(flags, 'days'))
  if (days < 1 || days > MAX_SURPLUS_DAYS) {
    throw new CodedError('HARNESS_FLAG', `--days must be 1 to ${MAX_SURPLUS_DAYS}`, { hint: 'the homes have one year' })
  }
  const { json, html } = flags
  const to = { ...(json === undefined ? {} : { json }), ...(html === undefined ? {} : { html }) }
  const { invariants } = await runSurplus({ data, days, ...to }, terminal.out)
  if (invariants.some(invariant => !invariant.holds)) terminal.fail()
}

/** Who asks only for compute gets no traders. */
function peopleOf(flags: Flags): { households: number; utilities: number } {
  const [households, utilities] = flags.tasks === undefined ? [10, 1] : [0, 0]
  return {
    households: flags.households === undefined ? households : number(flags, 'households'),
    utilities: flags.utilities === undefined ? utilities : number(flags, 'utilities'),
  }
}

function crowdOf(flags: Flags): { crowd?: CrowdWork } {
  if (flags.tasks === undefined) {
    if (flags.liars === undefined) return {}
    throw new CodedError('HARNESS_FLAG', '--liars needs something to lie about', { hint: 'add --tasks 10000' })
  }
  const tasks = number(flags, 'tasks')
  if (tasks < 1 || !Number.isInteger(tasks) || number(flags, 'compute') < 1) {
    const hint = 'try --compute 6 --tasks 10000'
    throw new CodedError('HARNESS_FLAG', '--tasks is a whole number from 1, and somebody must compute', { hint })
  }
  const liars = flags.liars === undefined ? {} : { liarPercent: percent(flags, 'liars') }
  return { crowd: { tasks, liePercent: percent(flags, 'lies'), ...liars } }
}

function files({ data, json, record, html }: Flags) {
  return Object.fromEntries(Object.entries({ data, json, record, html }).filter(([, path]) => path !== undefined))
}

const DAY_SECONDS = 24 * 60 * 60
/** A slot takes five seconds of real time, or ten: over days everything should come to its end in its slot. */
const PACE = { seconds: { speed: 180, slotMinutes: 15 }, days: { speed: 360, slotMinutes: 60 } }

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

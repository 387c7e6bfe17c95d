import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import { type ComputeAnswer, mannersCommands } from '../../domains/manners/commands.ts'
import { CodedError } from '../../kernel/errors.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'

export function registerPause(program: Command, terminal: Terminal): void {
  const manners = () => openClient(homeOf(program, terminal)).of(mannersCommands)
  const tell = (view: ComputeAnswer, json: boolean): void => {
    if (json) printJson(terminal, view)
    else printLine(terminal, view.verdict.sentence)
  }

  program
    .command('pause <time>')
    .description('no work for others for a while, like 30m or 2h; what runs is given back')
    .option('--json', 'for programs')
    .action(async (time: string, { json }: { json?: boolean }) =>
      tell(await manners().pause({ forMs: parseTime(time) }), json === true),
    )

  program
    .command('resume')
    .description('end a pause')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => tell(await manners().resume(), json === true))
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** `2h`, `1h30m`, `45min`, `1.5h`: milliseconds. */
export function parseTime(text: string): number {
  const parts = Array.from(
    text
      .trim()
      .toLowerCase()
      .matchAll(/(\d+(?:\.\d+)?)\s*(min|[smhd])\s*/gy),
  )
  const read = parts.reduce((length, [part]) => length + part.length, 0)
  const sum = parts.reduce((ms, [, count, unit = '']) => ms + Number(count) * (MS_OF_UNIT[unit] ?? 0), 0)
  if (read !== text.trim().length || Math.round(sum) < 1) {
    throw new CodedError('CLI_BAD_TIME', `"${text}" is not a length of time`, { hint: 'write 30m, 2h or 1h30m' })
  }
  return Math.round(sum)
}

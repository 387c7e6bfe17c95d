import type { Client } from '../../api/client.ts'
import { type JobProgressAnswer, tasksCommands } from '../../domains/tasks/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError } from '../../kernel/errors.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { readTexts } from './files.ts'
import { paramsOf } from './params.ts'
import { followJob, isOpen } from './progress.ts'
import { printWithResults, readResult, writeResult } from './result.ts'
import { summaryOf } from './show.ts'
import { type WishFlags, whoMayWork, wishesOf } from './wishes.ts'

export interface SubmitFlags extends WishFlags {
  readonly kind: string
  readonly maxTokens?: number
  readonly param?: readonly string[]
  readonly out?: string
  readonly wait: boolean
  readonly json?: boolean
  /** Progress for each peer. */
  readonly peers?: boolean
}

interface Stage {
  readonly client: Client
  readonly terminal: Terminal
}

export async function submitFiles(files: readonly string[], flags: SubmitFlags, stage: Stage): Promise<void> {
  const { client, terminal } = stage
  const json = flags.json === true
  const signal = terminal.interrupted()
  const documents = readTexts(files, terminal.cwd)
  const { id, total, ...audience } = await client.of(tasksCommands).submit({
    kind: flags.kind,
    params: paramsOf(flags),
    documents,
    ...wishesOf(flags, systemClock.now()),
  })
  const who = json ? undefined : whoMayWork(audience)
  if (who !== undefined) printLine(terminal, who)
  if (!flags.wait) return json ? printJson(terminal, { id, total }) : printLine(terminal, `job ${id}, ${total} parts`)
  if (!json) printLine(terminal, `job ${id}`)
  const stream = json ? terminal.err : terminal.out
  const job = await followJob(id, { client, stream, signal, perPeer: flags.peers === true })
  if (isOpen(job)) {
    terminal.err.write(`The job goes on without us; "wattmesh task show ${id}" shows how far it is.\n`)
    return
  }
  if (job.state !== 'done') throw await notDone(job, client)
  const view = await client.of(tasksCommands).job({ id, limit: 0 })
  const chunks = flags.out === undefined ? 0 : await writeResult(flags.out, readResult(id, client), terminal.cwd)
  if (json) return printWithResults(terminal, { job: view }, readResult(id, client))
  printLine(terminal, summaryOf(view, chunks))
  const where = flags.out ?? `kept; "wattmesh task show ${id} --out FILE" writes it to a file`
  printLine(terminal, `result: ${where}`)
}

/** Parts looked at for the reason. */
const LOOKED_AT = 1_000

async function notDone(job: JobProgressAnswer, client: Client): Promise<CodedError> {
  const { parts } = await client.of(tasksCommands).job({ id: job.id, limit: LOOKED_AT })
  const reasons = [...new Set(parts.flatMap(({ state, reason }) => (state === 'done' || !reason ? [] : [reason])))]
  const why = reasons.length === 0 ? (job.reason ?? '') : reasons.slice(0, 3).join('; ')
  return new CodedError('CLI_JOB_NOT_DONE', `the job is ${job.state}${why === '' ? '' : `: ${why}`}`, {
    hint: `"wattmesh task show ${job.id}" tells more; "wattmesh peers" shows who computes`,
  })
}

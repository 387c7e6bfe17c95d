import type { Client } from '../../api/client.ts'
import { CodedError } from '../../kernel/errors.ts'
import { printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { readTexts } from './files.ts'
import { followJob, type JobView } from './progress.ts'
import { type DocumentResult, writeResult } from './result.ts'
import { summaryOf } from './show.ts'

export interface SubmitFlags {
  readonly kind: string
  readonly maxTokens: number
  readonly out?: string
  readonly wait: boolean
  readonly json?: boolean
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
  const { id, total } = await client.post<{ id: string; total: number }>('/v1/jobs', {
    ...{ kind: flags.kind, params: { maxTokens: flags.maxTokens }, documents },
  })
  if (!flags.wait) return json ? printJson(terminal, { id, total }) : printLine(terminal, `job ${id}, ${total} parts`)
  if (!json) printLine(terminal, `job ${id}`)
  const job = await followJob(id, { client, stream: json ? terminal.err : terminal.out, signal })
  if (job.state === 'running') {
    terminal.err.write(`The job goes on without us; "wattmesh task show ${id}" shows how far it is.\n`)
    return
  }
  if (job.state !== 'done') throw notDone(job)
  const results = await client.get<DocumentResult[]>(`/v1/jobs/${id}/result`)
  if (flags.out !== undefined) await writeResult(flags.out, results, terminal.cwd)
  if (json) return printJson(terminal, { job, results })
  printLine(terminal, summaryOf(job, results))
  const where = flags.out ?? `kept; "wattmesh task show ${id} --out FILE" writes it to a file`
  printLine(terminal, `result: ${where}`)
}

function notDone(job: JobView): CodedError {
  const reasons = [...new Set(job.parts.flatMap(({ state, reason }) => (state === 'done' || !reason ? [] : [reason])))]
  const why = reasons.length === 0 ? (job.reason ?? '') : reasons.slice(0, 3).join('; ')
  return new CodedError('CLI_JOB_NOT_DONE', `the job is ${job.state}${why === '' ? '' : `: ${why}`}`, {
    hint: `"wattmesh task show ${job.id}" tells more; "wattmesh peers" shows who computes`,
  })
}

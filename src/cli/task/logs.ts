import type { Client } from '../../api/client.ts'
import { tasksCommands } from '../../domains/tasks/commands.ts'
import { systemClock } from '../../kernel/clock.ts'
import { printTable } from '../terminal/table.ts'
import { printJson, type Terminal } from '../terminal/terminal.ts'
import { timeOfDay } from '../terminal/units.ts'

const MOST_PARTS = 10_000

/** What happened to a job, or to one part of it, in the order in which it happened. */
export async function showLogs(
  id: string,
  { part, json }: { part?: number; json?: boolean },
  { client, terminal }: { client: Client; terminal: Terminal },
): Promise<void> {
  const page = part === undefined ? { limit: MOST_PARTS } : { limit: 1, offset: part }
  const { steps, parts } = await client.of(tasksCommands).job({ id, ...page })
  const ofParts = parts.flatMap(task => task.steps.map(step => ({ ...step, part: task.index })))
  const ofJob = part === undefined ? steps.map(step => ({ ...step, part: undefined })) : []
  const rows = [...ofJob, ...ofParts].toSorted((a, b) => a.atMs - b.atMs)
  if (json === true) return printJson(terminal, rows)
  const now = systemClock.now()
  printTable(terminal, {
    rows,
    json: false,
    none: 'Nothing has happened yet.',
    columns: [
      { title: 'when', cell: row => timeOfDay(row.atMs, now) },
      { title: 'part', right: true, cell: row => row.part ?? '' },
      { title: 'what', cell: row => row.text },
    ],
  })
}

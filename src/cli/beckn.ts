import { closeSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { validateMessage } from '../domains/trading/offline.ts'
import { codeOf, messageOf } from '../kernel/errors.ts'
import { printTable } from './terminal/table.ts'
import type { Terminal } from './terminal/terminal.ts'

/** What was found out about one file. */
interface Judgement {
  readonly ok: boolean
  /** As the message has it, whether or not there is such an action. */
  readonly action?: string
  readonly code?: string
  /** JSONPath of what is wrong. */
  readonly path?: string
  readonly message?: string
  /** What was not checked. */
  readonly notes?: readonly string[]
}

export function registerBeckn(program: Command, terminal: Terminal): void {
  program
    .command('beckn')
    .description('the language in which peers trade')
    .command('validate <files...>')
    .description('judge messages of Beckn 2.0.0, one in each JSON file; exit code 1 when any is refused')
    .option('--json', 'for programs')
    .action((files: string[], { json }: { json?: boolean }) => {
      const rows = files.map(file => ({ file, ...judge(resolve(terminal.cwd, file)) }))
      printTable(terminal, {
        rows,
        json: json === true,
        none: '',
        columns: [
          { title: '', cell: ({ ok }) => (ok ? '✔' : '✘') },
          { title: 'file', cell: ({ file }) => file },
          { title: 'action', cell: ({ action }) => action?.slice(0, MAX_ACTION) ?? '–' },
          { title: 'verdict', cell: ({ ok }) => (ok ? 'accepted' : 'refused') },
          { title: 'code', cell: ({ code }) => code ?? '' },
          { title: 'where', cell: ({ path }) => path ?? '' },
          { title: 'why', cell: ({ message, notes }) => message ?? notes?.join('; ') ?? '' },
        ],
      })
      if (rows.some(({ ok }) => !ok)) terminal.fail()
    })
}

const MAX_ACTION = 32

/** Of the message alone: a file is no longer on its way, so it is neither late nor in the wrong network. */
function judge(path: string): Judgement {
  const read = readJson(path)
  if ('code' in read) return { ok: false, ...read }
  const action = (read.value as { context?: { action?: unknown } | null } | null)?.context?.action
  return { ...(typeof action === 'string' ? { action } : {}), ...validateMessage(read.value) }
}

interface Unreadable {
  readonly code: 'CLI_BAD_FILE'
  readonly message: string
}

const unreadable = (message: string): Unreadable => ({ code: 'CLI_BAD_FILE', message })

function readJson(path: string): { readonly value: unknown } | Unreadable {
  let bytes: Uint8Array
  try {
    bytes = readBounded(path)
  } catch (error) {
    return unreadable(REASONS[codeOf(error) ?? ''] ?? `cannot be read: ${messageOf(error)}`)
  }
  if (bytes.byteLength > MAX_BYTES) return unreadable(`larger than ${MAX_BYTES} bytes, the largest message there is`)
  if (bytes.byteLength === 0) return unreadable('empty; expected one message in JSON')
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch (error) {
    return unreadable(`no JSON: ${messageOf(error)}`)
  }
}

/** As much as peers send each other at once. */
const MAX_BYTES = 1024 * 1024

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; check its name and the folder you are in',
  EISDIR: 'a folder; name the files in it, like messages/*.json',
  EACCES: 'may not be read by this user',
}

/** A byte more than is allowed at most: pipes and devices have no size to ask for. */
function readBounded(path: string): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(MAX_BYTES + 1)
    let length = 0
    for (;;) {
      const count = readSync(file, bytes, length, bytes.length - length, null)
      length += count
      if (count === 0 || length === bytes.length) return bytes.subarray(0, length)
    }
  } finally {
    closeSync(file)
  }
}

import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Client } from '../../api/client.ts'
import { type ResultEntryAnswer, type ResultLineAnswer, tasksCommands } from '../../domains/tasks/commands.ts'
import { CodedError, messageOf } from '../../kernel/errors.ts'
import { decodeVector } from '../../text/vectors.ts'
import { printLine, type Terminal } from '../terminal/terminal.ts'
import { replaceFile } from './files.ts'

export type Result = AsyncGenerator<ResultLineAnswer, void>

/** The result of a job that is done, however large: each line is read when its turn comes. */
export function readResult(id: string, client: Client): Result {
  return client.of(tasksCommands).result({ id })
}

/**
 * Lines of JSON in the order of the texts. Of chunks a line each: its document, span (UTF-16 units), tokens, and what
 * else the kind says of it. Of other kinds a line for each text: its document, and the result as it is. The file has the
 * whole result or is as it was before.
 * @returns how many chunks; 0 of a kind that makes none
 * @throws CLI_BAD_OUT, and what broke the result off
 */
export async function writeResult(file: string, result: Result, cwd: string): Promise<number> {
  let chunks = 0
  async function* counted(): Result {
    for await (const line of result) {
      if ('index' in line) chunks++
      yield line
    }
  }
  try {
    await replaceFile(resolve(cwd, file), lines(counted()))
    return chunks
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw new CodedError('CLI_BAD_OUT', `the result could not be written to ${file}: ${messageOf(error)}`, {
      hint: 'it is kept: "wattmesh task show <id> --out <file>" writes it elsewhere',
      cause: error,
    })
  }
}

/**
 * A JSON object and, as its last field, the result by documents, written as it comes: the whole may be larger than memory.
 * @param head what stands before it in the object
 */
export async function printWithResults(terminal: Terminal, head: object, result: Result): Promise<void> {
  terminal.out.write(`${JSON.stringify(head, null, 2).slice(0, -2)},\n  "results": [`)
  for await (const piece of documentsOf(result)) {
    if (!terminal.out.write(piece)) await drained(terminal.out)
  }
  printLine(terminal, ']\n}')
}

/** Whoever reads the pipe may have gone: then there is nobody to wait for. */
async function drained(out: Terminal['out']): Promise<void> {
  if (out.writableNeedDrain) await Promise.race([once(out, 'drain'), once(out, 'close')])
}

async function* documentsOf(result: Result): AsyncGenerator<string, void> {
  let begun = false
  let isOpen = false
  for await (const line of result) {
    const { document: name } = line
    if ('index' in line && line.index > 0) {
      yield `,\n${JSON.stringify(chunkOf(line))}`
      continue
    }
    if (isOpen) yield ']}}'
    yield `${begun ? ',' : ''}\n`
    begun = true
    isOpen = 'index' in line
    if (!('index' in line)) yield JSON.stringify({ name, result: line.result })
    else yield `{"name":${JSON.stringify(name)},"result":{${modelOf(line)}"chunks":[\n${JSON.stringify(chunkOf(line))}`
  }
  if (isOpen) yield ']}}'
}

function modelOf({ fingerprint }: { readonly fingerprint?: string }): string {
  return fingerprint === undefined ? '' : `"fingerprint":${JSON.stringify(fingerprint)},`
}

async function* lines(result: Result): AsyncGenerator<string, void> {
  for await (const line of result) {
    if ('index' in line) yield `${JSON.stringify(plain(line))}\n`
    else yield `${JSON.stringify({ document: line.document, ...fieldsOf(line.result) })}\n`
  }
}

/** What a kind says of a text stands beside its name; where it says no object, as its result. */
function fieldsOf(result: unknown): object {
  return typeof result === 'object' && result !== null && !Array.isArray(result) ? result : { result }
}

/** Without what is said once for the document. */
function chunkOf(line: ResultEntryAnswer): object {
  const { document: _, index: __, fingerprint: ___, ...chunk } = plain(line)
  return chunk
}

/** Its vector as numbers, for people and programs that know no base64. */
function plain({
  vector,
  ...line
}: ResultEntryAnswer): Omit<ResultEntryAnswer, 'vector'> & { readonly vector?: readonly number[] } {
  return vector === undefined ? line : { ...line, vector: [...decodeVector(vector)] }
}

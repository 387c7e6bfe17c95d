import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CodedError, messageOf } from '../../kernel/errors.ts'

interface Chunk {
  readonly start: number
  readonly end: number
  readonly tokens: number
  readonly vector?: readonly number[]
}

/** A document's result as the daemon gives it: of some kinds a list of chunks, of others whatever the kind makes. */
export interface DocumentResult {
  readonly name: string
  readonly result: { readonly chunks?: readonly Chunk[]; readonly fingerprint?: string }
}

/** undefined: no kind that makes chunks. */
export function chunkCount(results: readonly DocumentResult[]): number | undefined {
  const lists = results.flatMap(({ result: { chunks } }) => (chunks === undefined ? [] : [chunks]))
  return lists.length === 0 ? undefined : lists.reduce((sum, chunks) => sum + chunks.length, 0)
}

/**
 * Lines of JSON in the order of the texts. Of chunks a line each: its document, span (UTF-16 units), tokens, and what
 * else the kind says of it. Of other kinds a line for each text: its document, and the result as it is.
 */
export async function writeResult(file: string, results: readonly DocumentResult[], cwd: string): Promise<void> {
  try {
    await pipeline(Readable.from(lines(results)), createWriteStream(resolve(cwd, file)))
  } catch (error) {
    throw new CodedError('CLI_BAD_OUT', `the result could not be written to ${file}: ${messageOf(error)}`, {
      hint: 'it is kept: "wattmesh task show <id> --out <file>" writes it elsewhere',
      cause: error,
    })
  }
}

function* lines(results: readonly DocumentResult[]): Generator<string> {
  for (const { name, result } of results) {
    if (result.chunks === undefined) {
      yield `${JSON.stringify({ document: name, ...result })}\n`
      continue
    }
    const model = result.fingerprint === undefined ? {} : { fingerprint: result.fingerprint }
    for (const [index, chunk] of result.chunks.entries()) {
      yield `${JSON.stringify({ document: name, index, ...chunk, ...model })}\n`
    }
  }
}

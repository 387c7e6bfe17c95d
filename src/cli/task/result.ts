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

/** A document's result as the daemon gives it; both kinds are lists of chunks. */
export interface DocumentResult {
  readonly name: string
  readonly result: { readonly chunks: readonly Chunk[]; readonly fingerprint?: string; readonly digest?: string }
}

export function chunkCount(results: readonly DocumentResult[]): number {
  return results.reduce((sum, { result }) => sum + result.chunks.length, 0)
}

/** A line a chunk, in the order of the texts: its document, span (UTF-16 units), tokens and vector. */
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
    const model = result.fingerprint === undefined ? {} : { fingerprint: result.fingerprint }
    for (const [index, chunk] of result.chunks.entries()) {
      yield `${JSON.stringify({ document: name, index, ...chunk, ...model })}\n`
    }
  }
}

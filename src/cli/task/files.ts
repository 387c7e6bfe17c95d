import { randomUUID } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { realpath, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CodedError, codeOf, messageOf } from '../../kernel/errors.ts'
import { decodeText, type SourceText } from '../../text/source-text.ts'

/** Texts of files, named as they were given. @throws CLI_BAD_FILE, or TEXT_… for what is no text */
export function readTexts(files: readonly string[], cwd: string): SourceText[] {
  return files.map(file => decodeText(read(resolve(cwd, file), file), file))
}

function read(path: string, name: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    const { said, hint } = REASONS[codeOf(error) ?? ''] ?? { said: `cannot be read: ${messageOf(error)}` }
    throw new CodedError('CLI_BAD_FILE', `${name} ${said}`, { cause: error, ...(hint === undefined ? {} : { hint }) })
  }
}

const REASONS: Readonly<Record<string, { said: string; hint?: string }>> = {
  ENOENT: { said: 'does not exist', hint: 'check its name and the folder you are in' },
  EISDIR: { said: 'is a folder', hint: 'name the files in it, like notes/*.txt' },
  EACCES: { said: 'may not be read by this user' },
}

/** Writes beside the file and puts it in its place when it is whole: whatever stops it before leaves what was there. */
export async function replaceFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const was = await stat(path).catch(() => undefined)
  // A pipe or a terminal has no place to be put in.
  if (was !== undefined && !was.isFile()) return pipeline(pieces, createWriteStream(path))
  const place = was === undefined ? path : await realpath(path)
  const beside = `${place}.${randomUUID()}.part`
  try {
    await pipeline(pieces, createWriteStream(beside, { flags: 'wx', flush: true, ...(was && { mode: was.mode }) }))
    await rename(beside, place)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

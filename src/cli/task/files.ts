import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CodedError, codeOf, messageOf } from '../../kernel/errors.ts'
import { decodeText, type SourceText } from '../../tasks/kinds/source-text.ts'

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

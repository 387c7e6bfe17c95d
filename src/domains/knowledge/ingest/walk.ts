import type { Stats } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { CodedError, codeOf, messageOf } from '../../../kernel/errors.ts'
import type { KnowledgeCode } from '../collection.ts'

export interface FoundFile {
  readonly path: string
  /** Its place within the root, which peers may see. */
  readonly name: string
  readonly bytes: number
  readonly modifiedMs: number
}

/** Something that is no file, or could not be looked at. */
export interface Passed {
  readonly path: string
  readonly code: string
  readonly reason: string
}

export interface Walked {
  readonly roots: readonly string[]
  readonly files: readonly FoundFile[]
  readonly passed: readonly Passed[]
}

/** A bound on what one walk keeps in mind; whole disks are not what this is for. */
const MAX_FILES = 200_000
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['node_modules'])

/**
 * All files at or below `paths`, in order of their paths, each once. Hidden files, `node_modules` and symbolic links
 * below a path are left out; the paths themselves may be either.
 * @throws CodedError<'KNOWLEDGE_PATH_MISSING' | 'KNOWLEDGE_TOO_MANY'>
 */
export async function walk(paths: readonly string[], signal: AbortSignal): Promise<Walked> {
  const files = new Map<string, FoundFile>()
  const passed: Passed[] = []
  const roots: string[] = []

  async function folder(path: string, root: string): Promise<void> {
    signal.throwIfAborted()
    for (const entry of await namesIn(path)) {
      const inner = join(path, entry)
      try {
        await look(inner, await lstat(inner), root)
      } catch (error) {
        // Ours ends the walk; what the disk says of one entry does not.
        if (error instanceof CodedError || signal.aborted) throw error
        passed.push({ path: inner, code: codeOf(error) ?? 'READ_FAILED', reason: messageOf(error) })
      }
    }
  }

  async function look(path: string, stats: Stats, root: string): Promise<void> {
    if (stats.isDirectory()) return await folder(path, root)
    if (stats.isSymbolicLink()) return
    if (!stats.isFile()) {
      passed.push({ path, code: 'READ_NO_FILE', reason: 'neither a file nor a folder' })
      return
    }
    if (files.size >= MAX_FILES) {
      throw new CodedError<KnowledgeCode>('KNOWLEDGE_TOO_MANY', `there are more than ${MAX_FILES} files`, {
        hint: 'name the folders with your documents instead of one around them',
      })
    }
    const name = path === root ? basename(path) : join(basename(root), relative(root, path))
    files.set(path, { path, name, bytes: stats.size, modifiedMs: stats.mtimeMs })
  }

  for (const path of paths) {
    const root = await resolved(path)
    roots.push(root)
    await look(root, await lstat(root), root)
  }
  return { roots, files: [...files.values()], passed }
}

async function namesIn(path: string): Promise<string[]> {
  const names = await readdir(path)
  return names.filter(name => !(name.startsWith('.') || SKIPPED_FOLDERS.has(name))).sort()
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (cause) {
    throw new CodedError<KnowledgeCode>('KNOWLEDGE_PATH_MISSING', `${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'check its name, and whether this user may read it',
      cause,
    })
  }
}

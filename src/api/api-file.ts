import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** Where a daemon listens and the word that opens it; whoever can read this file may command the daemon. */
const schema = z.object({ port: z.int().min(1).max(65_535), token: z.string().min(1), pid: z.int() })
export type ApiFile = z.infer<typeof schema>

const fileOf = (home: string): string => join(home, 'api.json')

/** Undefined when there is none, or half of one: no daemon has got that far. */
export function readApiFile(home: string): ApiFile | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(fileOf(home), 'utf8'))).data
  } catch {
    return undefined
  }
}

export function writeApiFile(home: string, content: ApiFile): void {
  // A file that is there keeps its mode, whatever the mode asked for: make a new one.
  removeApiFile(home)
  writeFileSync(fileOf(home), `${JSON.stringify(content)}\n`, { mode: 0o600, flag: 'wx' })
}

export function removeApiFile(home: string): void {
  rmSync(fileOf(home), { force: true })
}

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { decodeText } from '../../text/source-text.ts'

export interface SourceDocument {
  readonly name: string
  readonly text: string
}

/** The README files of the installed packages: real text, present on every machine that can run this. */
export function installedReadmes(modules: string, maxBytes: number): SourceDocument[] {
  const documents: SourceDocument[] = []
  let bytes = 0
  for (const folder of packages(modules)) {
    const file = readdirSync(folder).find(name => /^readme\.md$/i.test(name))
    if (file === undefined) continue
    const path = join(folder, file)
    const size = statSync(path).size
    // Very small ones say nothing, very large ones would be the whole sample.
    if (size < 1_000 || size > 40_000 || bytes + size > maxBytes) continue
    const text = textOf(path)
    if (text === undefined) continue
    bytes += size
    documents.push({ name: relative(modules, path), text })
  }
  return documents
}

function packages(modules: string): string[] {
  return readdirSync(modules, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(entry => {
      const folder = join(modules, entry.name)
      if (!entry.name.startsWith('@')) return [folder]
      return readdirSync(folder)
        .map(name => join(folder, name))
        .filter(path => statSync(path).isDirectory())
    })
    .sort()
}

/** A README that is no text (it happens) is left out. */
function textOf(path: string): string | undefined {
  try {
    return decodeText(readFileSync(path), path).text
  } catch {
    return undefined
  }
}

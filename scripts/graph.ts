import { cruise, type ICruiseResult } from 'dependency-cruiser'

/**
 * The real arrows between the rooms of src/, as the Mermaid picture of src/README.md. The domains are one room: they all
 * may import the same, and never each other. A bridge names the two it joins. The files beside the rooms (node.ts,
 * main.ts), which put them together, and `kernel`, which everybody imports, are left out.
 */
const { output } = await cruise(['src', 'bootstrap'], {
  doNotFollow: { path: 'node_modules' },
  tsPreCompilationDeps: true,
})
const { modules } = output as ICruiseResult
const domains = new Set<string>()
const arrows = new Set<string>()
for (const { source, dependencies } of modules) {
  const from = roomOf(source)
  const domain = domainOf(source)
  if (domain !== undefined) domains.add(domain)
  for (const { resolved } of dependencies) {
    const to = (from === 'bridges' ? domainOf(resolved) : undefined) ?? roomOf(resolved)
    if (from !== undefined && to !== undefined && from !== to && to !== 'kernel') arrows.add(`  ${from} --> ${to}`)
  }
}
const room = ['  subgraph domains', ...[...domains].sort().map(name => `    ${name}`), '  end']
console.log(['```mermaid', 'flowchart LR', ...room, ...[...arrows].sort(), '```'].join('\n'))

/** A folder of src/, or bootstrap/. */
function roomOf(path: string): string | undefined {
  const [, inside, outside] = /^(?:src\/([\w-]+)\/|(bootstrap)\/)/.exec(path) ?? []
  return inside ?? outside
}

function domainOf(path: string): string | undefined {
  return /^src\/domains\/([\w-]+)\//.exec(path)?.[1]
}

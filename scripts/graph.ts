import { cruise, type ICruiseResult } from 'dependency-cruiser'

/**
 * The real arrows between the rooms of src/, as the Mermaid picture of src/README.md. What puts them together (node.ts,
 * parts/, commands/) points at nearly all of them and is left out.
 */
const { output } = await cruise(['src', 'bootstrap'], {
  doNotFollow: { path: 'node_modules' },
  tsPreCompilationDeps: true,
})
const { modules } = output as ICruiseResult
const arrows = new Set<string>()
for (const { source, dependencies } of modules) {
  for (const { resolved } of dependencies) {
    const [from, to] = [roomOf(source), roomOf(resolved)]
    if (from !== undefined && to !== undefined && from !== to && to !== 'kernel') arrows.add(`  ${from} --> ${to}`)
  }
}
console.log(['```mermaid', 'flowchart LR', ...[...arrows].sort(), '```'].join('\n'))

/** A folder of src/; `kernel` is imported by all and drawn by none. */
function roomOf(path: string): string | undefined {
  const match = /^(?:src\/(?:domains\/)?([\w-]+)\/|(bootstrap)\/)/.exec(path)
  const room = match?.[1] ?? match?.[2]
  return room === 'parts' || room === 'commands' ? undefined : room
}

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A file that wants to grow past this holds an idea that wants a name of its own. */
const MAX_LINES = 250
const MAX_FILES_IN_FOLDER = 12

const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'src', 'bootstrap', 'scripts'],
  { encoding: 'utf8' },
)
  .split('\n')
  .filter(file => file.endsWith('.ts'))
const long = files
  .map(file => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
  .filter(({ lines }) => lines > MAX_LINES)
const folders = Map.groupBy(files, file => file.slice(0, file.lastIndexOf('/')))
const crowded = [...folders].filter(
  ([folder, inside]) => folder.startsWith('src/') && inside.length > MAX_FILES_IN_FOLDER,
)

for (const { file, lines } of long) console.log(`${file}: ${lines} lines, at most ${MAX_LINES}`)
for (const [folder, inside] of crowded) console.log(`${folder}: ${inside.length} files, at most ${MAX_FILES_IN_FOLDER}`)
process.exitCode = long.length + crowded.length === 0 ? 0 : 1

import { spawn } from 'node:child_process'
import { styleText } from 'node:util'

/** One tool a question. They share nothing, so they run side by side. */
const CHECKS: readonly (readonly [question: string, tool: string, ...args: string[]])[] = [
  ['types', 'tsc', '--noEmit'],
  ['format, names, complexity', 'biome', 'check', '--error-on-warnings', '.'],
  [
    'promises and switches',
    'oxlint',
    '--type-aware',
    '--config',
    '.oxlintrc.json',
    'src',
    'bootstrap',
    'scripts',
    'test',
  ],
  ['arrows and cycles', 'depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'bootstrap', 'scripts'],
  ['dead code', 'knip', '--config', '.knip.json'],
  ['packed literals', 'node', 'scripts/packed-literals.ts'],
  ['lockfile', 'node', 'scripts/lockfile.ts'],
]

interface Finding {
  readonly question: string
  readonly ok: boolean
  readonly output: string
  readonly seconds: number
}

function ask([question, tool, ...args]: (typeof CHECKS)[number]): Promise<Finding> {
  const startedMs = Date.now()
  const output: Buffer[] = []
  return new Promise(resolve => {
    const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const done = (ok: boolean): void =>
      resolve({ question, ok, output: Buffer.concat(output).toString(), seconds: (Date.now() - startedMs) / 1000 })
    child.stdout.on('data', (data: Buffer) => output.push(data))
    child.stderr.on('data', (data: Buffer) => output.push(data))
    child.on('error', error => {
      output.push(Buffer.from(`${tool}: ${error.message}; run it through npm, after npm ci`))
      done(false)
    })
    child.on('exit', code => done(code === 0))
  })
}

const findings = await Promise.all(CHECKS.map(ask))
for (const { question, ok, output, seconds } of findings) {
  const mark = ok ? styleText('green', '✔') : styleText('red', '✘')
  console.log(`${mark} ${question} ${styleText('dim', `${seconds.toFixed(1)} s`)}`)
  if (!ok) console.log(output.trimEnd())
}
process.exitCode = findings.every(finding => finding.ok) ? 0 : 1

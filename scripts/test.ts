import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The checks and every test folder; the last line counts both: `N passed, N failed`. */
const scratch = mkdtempSync(join(tmpdir(), 'wattmesh-test-'))
const results = join(scratch, 'results.json')

const checks = await exitCode('node', ['scripts/check.ts'])
const tests = await exitCode('vitest', [
  ...['run', '--config', 'test/vitest.config.ts'],
  ...['--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
  ...process.argv.slice(2),
])
const counted = read(results)
rmSync(scratch, { recursive: true, force: true })

const failed = counted.numFailedTests + counted.brokenFiles + (checks === 0 ? 0 : 1)
const passed = counted.numPassedTests + (checks === 0 ? 1 : 0)
const skipped = counted.numPendingTests === 0 ? '' : `, ${counted.numPendingTests} skipped`
console.log(`${passed} passed, ${failed} failed${skipped}`)
process.exitCode = failed === 0 && tests === 0 ? 0 : 1

function exitCode(command: string, args: readonly string[]): Promise<number> {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', error => {
      console.error(`${command}: ${error.message}; run it through npm, after npm ci`)
      resolve(1)
    })
    child.on('exit', code => resolve(code ?? 1))
  })
}

interface Counted {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  /** Files that failed before any of their tests ran. */
  readonly brokenFiles: number
}

function read(file: string): Counted {
  try {
    const json = JSON.parse(readFileSync(file, 'utf8')) as Omit<Counted, 'brokenFiles'> & {
      testResults: { status: string; assertionResults: unknown[] }[]
    }
    const broken = json.testResults.filter(result => result.status === 'failed' && result.assertionResults.length === 0)
    return { ...json, brokenFiles: broken.length }
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, brokenFiles: 0 }
  }
}

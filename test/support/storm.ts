import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The seed of a run with chance in it: printed, and `SEED=` replays it. */
export function seedOf(test: string): number {
  const seed = process.env['SEED'] === undefined ? randomInt(2 ** 31) : Number(process.env['SEED'])
  console.log(`${test}: SEED=${seed}`)
  return seed
}

/** A folder for one test, gone at its end. */
export function scratch(): Disposable & { path(name: string): string } {
  const folder = mkdtempSync(join(tmpdir(), 'wattmesh-test-'))
  return {
    path: name => join(folder, name),
    [Symbol.dispose]() {
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
    },
  }
}

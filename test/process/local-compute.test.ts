import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Report } from '../../src/harness/judge/report.ts'
import { cliBench } from '../support/cli-daemons.ts'

test('a crowd of four, one killed and one lying, does all its tasks, and believes no lie', {
  timeout: 180_000,
}, async () => {
  await using bench = cliBench()
  const json = join(bench.folder, 'report.json')
  const flags = ['--compute', '4', '--tasks', '600', '--kill', '25%', '--liars', '25%', '--seed', '5', '--json', json]
  const { code, out, err } = await bench.run(bench.home('nobody'), ['local', ...flags])
  expect({ code, err }, out).toEqual({ code: 0, err: '' })
  const { tasks, killed, peers } = JSON.parse(readFileSync(json, 'utf8')) as Report
  expect(peers.started).toBe(5)
  expect(killed).toHaveLength(1)
  expect(tasks).toMatchObject({ submitted: 600, done: 600, lost: 0, failed: 0, acceptedTwice: 0 })
  expect(tasks).toMatchObject({ judged: 600, wrongAccepted: 0, caught: 1 })
  expect(tasks.workFactor).toBeGreaterThan(1)
  expect(tasks.releaseMsMax).toBeLessThanOrEqual(15_000)
  expect(out).toMatch(/100 % {2}600 of 600 tasks/)
})

test('lies without tasks, and tasks for nobody, are refused with what to write', { timeout: 60_000 }, async () => {
  await using bench = cliBench()
  const home = bench.home('nobody')
  const liars = await bench.run(home, ['local', '--liars', '30%'])
  expect(liars.code).not.toBe(0)
  expect(liars.err).toContain('--tasks 10000')
  const nobody = await bench.run(home, ['local', '--compute', '0', '--tasks', '10'])
  expect(nobody.code).not.toBe(0)
  expect(nobody.err).toContain('somebody must compute')
})

import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { writeApiFile } from '../../src/api/api-file.ts'
import { registerCompute } from '../../src/cli/compute/compute.ts'
import { parseTime, registerPause } from '../../src/cli/compute/pause.ts'
import type { Terminal } from '../../src/cli/terminal/terminal.ts'
import { loadConfig } from '../../src/config/config.ts'
import type { ComputeAnswer } from '../../src/domains/manners/commands.ts'
import { nothingSensed } from '../../src/domains/manners/conditions.ts'
import { scratch } from '../support/storm.ts'

const atMs = Date.UTC(2026, 0, 1, 12)
const view: ComputeAnswer = {
  offered: true,
  verdict: { allowed: false, code: 'MANNERS_ON_BATTERY', sentence: 'paused: on battery' },
  preferences: { ...loadConfig('/nowhere', {}).options.manners, taskPowerW: 15 },
  conditions: {
    atMs,
    minuteOfDay: 0,
    machine: { cores: 4, memoryMb: 8_000, maxThreads: 4, threadMemoryMb: 400 },
    sensed: { ...nothingSensed, onBattery: true, temperatureC: 60.6 },
  },
}
const peer = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
const known = { peer, kind: 'embed@1', model: 'ab'.repeat(32), consecutive: 12, confirmed: 12, wrong: 0 }

/** A daemon that answers from a table and remembers what it was asked. */
async function daemon(answers: Readonly<Record<string, unknown>>) {
  const folder = scratch()
  const asked: [string, unknown][] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', piece => {
      body += String(piece)
    })
    request.on('end', () => {
      asked.push([`${request.method} ${request.url}`, body === '' ? undefined : JSON.parse(body)])
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answers[request.url ?? '']))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  mkdirSync(folder.path('home'))
  writeApiFile(folder.path('home'), { port: (server.address() as AddressInfo).port, token: 'word', pid: 1 })
  return {
    asked,
    async says(...argv: string[]): Promise<string> {
      let text = ''
      const out = new PassThrough()
      out.on('data', piece => (text += String(piece)))
      const terminal = { out, err: out, env: {}, cwd: '/', pid: 1 } as unknown as Terminal
      const program = new Command('wattmesh').option('--home <dir>').exitOverride()
      registerCompute(program, terminal)
      registerPause(program, terminal)
      await program.parseAsync(['--home', folder.path('home'), ...argv], { from: 'user' })
      return text
    },
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => server.close(resolve))
      folder[Symbol.dispose]()
    },
  }
}

describe('wattmesh compute', () => {
  it('says in one sentence why it does not work, and what it knows of the machine', async () => {
    await using node = await daemon({ '/v1/compute': view })
    const said = await node.says('compute')
    expect(said).toContain('! paused: on battery')
    expect(said).toMatch(/power\s+battery/)
    expect(said).toMatch(/processor\s+61 °C/)
    expect(said).toMatch(/last touched\s+unknown/)
    expect(JSON.parse(await node.says('compute', 'status', '--json'))).toEqual(JSON.parse(JSON.stringify(view)))
  })

  it('says since when work waits for its energy, and when it is taken all the same', async () => {
    const says = async (more: { latestStartMs: number; takenMs?: number }): Promise<string> => {
      const waiting = { sinceMs: atMs - 5_400_000, ...more }
      await using node = await daemon({ '/v1/compute': { ...view, conditions: { ...view.conditions, waiting } } })
      return await node.says('compute')
    }
    const early = await says({ latestStartMs: atMs + 1 })
    expect(early).toMatch(/work has waited\s+1 h 30 min, refused for its energy\n\s+taken anyway\s+at \d/)
    expect(await says({ latestStartMs: atMs })).toMatch(/taken anyway\s+once nothing else forbids it/)
    const taken = await says({ latestStartMs: atMs - 1_800_000, takenMs: atMs - 1_800_000 })
    expect(taken).toMatch(/work has waited\s+1 h 0 min, refused for its energy\n\s+taken anyway\s+since \d/)
  })

  it('explains each preference with its value and unit', async () => {
    await using node = await daemon({ '/v1/compute': view })
    const said = await node.says('compute', 'prefs')
    expect(said).toMatch(/manners\.idleMinutes\s+3 min\s+Without input/)
    expect(said).toMatch(/compute\.watts\s+15 W/)
    expect(said).toMatch(/manners\.onBattery\s+no\s+Work on battery/)
  })

  it('shows whom it trusts, and whom it does not ask', async () => {
    const rows = [
      { ...known, atMs: Date.now(), notBeforeMs: 0, trusted: true },
      { ...known, wrong: 1, consecutive: 0, atMs: Date.now(), notBeforeMs: Date.now() + 3_600_000, trusted: false },
      { ...known, consecutive: 2, atMs: Date.now(), notBeforeMs: 0, trusted: false },
    ]
    await using node = await daemon({ '/v1/compute/reputation': rows })
    const said = await node.says('compute', 'reputation')
    expect(said).toContain('trusted; checked now and then')
    expect(said).toContain('checked each time')
    expect(said).toContain('not asked until')
  })
})

describe('wattmesh pause', () => {
  it('asks for the time in milliseconds and says what came of it', async () => {
    await using node = await daemon({ '/v1/compute/pause': view, '/v1/compute/resume': view })
    expect(await node.says('pause', '2h')).toBe('paused: on battery\n')
    await node.says('resume')
    expect(node.asked).toEqual([
      ['POST /v1/compute/pause', { forMs: 7_200_000 }],
      ['POST /v1/compute/resume', {}],
    ])
  })

  it.each([
    ['2h', 7_200_000],
    ['90 s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['45min', 2_700_000],
    ['1d', 86_400_000],
  ])('reads %s', (text, ms) => expect(parseTime(text)).toBe(ms))

  it.each(['', '2', 'h', '2 hours', '-1h', '0m', '1h x', 'x 1h'])('does not read %j', text => {
    expect(() => parseTime(text)).toThrow(expect.objectContaining({ code: 'CLI_BAD_TIME' }))
  })
})

import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { type CliBench, cliBench } from '../support/cli-daemons.ts'

vi.setConfig({ testTimeout: 120_000 })

interface Finding {
  readonly check: string
  readonly level: string
  readonly said: string
  readonly fix?: string
}

async function doctor(bench: CliBench, home: string): Promise<{ code: number | null; findings: Finding[] }> {
  const { code, out } = await bench.run(home, ['doctor', '--json'])
  return { code, findings: JSON.parse(out) as Finding[] }
}

const problemsIn = (findings: Finding[]) => findings.filter(({ level }) => level === 'problem')

test('a healthy pair has no problem', async () => {
  await using bench = cliBench()
  const anna = await bench.start(bench.home('anna'))
  const bert = await bench.start(bench.home('bert'), ['--bootstrap', anna.address])
  await vi.waitFor(
    async () => expect(JSON.parse((await bench.run(bert.home, ['peers', '--json'])).out)).toHaveLength(1),
    {
      timeout: 30_000,
    },
  )
  const { code, findings } = await doctor(bench, bert.home)
  expect([code, problemsIn(findings)]).toEqual([0, []])
  const levels = Object.fromEntries(findings.map(({ check, level }) => [check, level]))
  expect(levels).toMatchObject({
    daemon: 'ok',
    key: 'ok',
    config: 'ok',
    disk: 'ok',
    port: 'ok',
    clock: 'ok',
    peers: 'ok',
    bootstrap: 'ok',
    reachability: 'ok',
  })
})

test('without a daemon it says so, and still looks at the rest', async () => {
  await using bench = cliBench()
  const home = bench.home('a')
  await bench.run(home, ['init', '--home', join(home, 'data')])
  const { code, findings } = await doctor(bench, join(home, 'data'))
  expect(code).toBe(1)
  expect(problemsIn(findings)[0]).toMatchObject({ check: 'daemon', fix: 'start it with "wattmesh run"' })
  expect(findings.find(({ check }) => check === 'key')?.level).toBe('ok')
})

test('a key that others can read is a problem, with the command that mends it', async () => {
  await using bench = cliBench()
  const { home } = await bench.start(bench.home('a'))
  chmodSync(join(home, 'identity.json'), 0o644)
  const { code, findings } = await doctor(bench, home)
  expect(code).toBe(1)
  expect(problemsIn(findings)).toContainEqual(
    expect.objectContaining({ check: 'key', fix: expect.stringContaining('chmod 600') }),
  )
})

test('a configuration that cannot be read is a problem, and is named', async () => {
  await using bench = cliBench()
  const home = bench.home('a')
  writeFileSync(join(home, 'config.toml'), 'name = [')
  const { code, findings } = await doctor(bench, home)
  expect(code).toBe(1)
  expect(problemsIn(findings)).toContainEqual(
    expect.objectContaining({ check: 'config', said: expect.stringContaining('config.toml') }),
  )
})

test('a bootstrap peer that does not answer leaves the daemon alone, and both are told', async () => {
  await using bench = cliBench()
  const port = await unusedPort()
  const peer = '12D3KooWHAVAFR5tii9vbLXo292D4wCgaFKUMQbbJuLJLs3psuTu'
  const { home } = await bench.start(bench.home('a'), ['--bootstrap', `/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`])
  const { code, findings } = await doctor(bench, home)
  expect(code).toBe(1)
  expect(problemsIn(findings).map(({ check }) => check)).toEqual(['peers', 'bootstrap'])
  expect(problemsIn(findings)[1]?.said).toContain(`port ${port} cannot be reached: nothing listens there`)
})

test('a port that another program has is a problem before the start', async () => {
  await using bench = cliBench()
  const busy = createServer()
  const port = await new Promise<number>(resolve =>
    busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port)),
  )
  const home = bench.home('a')
  writeFileSync(join(home, 'config.toml'), `[network]\nlisten = ["/ip4/127.0.0.1/tcp/${port}"]\n`)
  const { findings } = await doctor(bench, home)
  busy.close()
  expect(problemsIn(findings)).toContainEqual(
    expect.objectContaining({ check: 'port', said: `port ${port} is in use by another program` }),
  )
})

/** A port that was free a moment ago. */
function unusedPort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

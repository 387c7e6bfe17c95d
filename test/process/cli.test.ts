import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openClient } from '../../src/api/client.ts'
import { daemonCommands } from '../../src/daemon/commands.ts'
import { tradingCommands } from '../../src/domains/trading/commands.ts'
import { cliBench } from '../support/cli-daemons.ts'

vi.setConfig({ testTimeout: 120_000 })

const TEXT = 'The sun heats the roof. The battery waits for the evening. '.repeat(60)

test('two daemons meet, one buys from the other, and one has a text cut by the other', async () => {
  await using bench = cliBench()
  const anna = await bench.start(bench.home('anna'), ['--name', 'anna', '--roles', 'household,utility,compute'])
  const bert = await bench.start(bench.home('bert'), ['--name', 'bert', '--bootstrap', anna.address])
  const run = (...args: string[]) => bench.run(bert.home, args)
  await vi.waitFor(async () => expect((await run('trade', 'search')).out).toContain('anna'), { timeout: 20_000 })

  expect((await run('status')).out).toMatch(/✔ running +bert .*\n✔ reachable +1 peer connected/)
  expect((await run('peers')).out).toMatch(
    /anna +household, utility, compute +zone-1 +….{8} +(\d+ tasks|not now).* +out/,
  )
  const bought = await run('trade', 'buy', '0.5', '--max', '1')
  expect(bought).toMatchObject({ code: 0, err: '' })
  expect(bought.out).toMatch(/searching.*selecting.*quoted.*reserved.*confirming.*active.*Bought 500 Wh/s)
  const [trade] = JSON.parse((await run('trade', 'list', '--json')).out)
  expect(trade).toMatchObject({ role: 'buyer', energyWh: 500, state: 'active', counterparty: anna.peerId })
  expect((await run('trade', 'show', trade.transactionId.slice(0, 8))).out).toContain('signed by both sides')
  expect((await run('messages', '--task', trade.transactionId)).out).toContain('beckn.on_confirm')

  writeFileSync(join(bench.folder, 'sun.txt'), TEXT)
  const cut = await run(
    'task',
    'submit',
    'sun.txt',
    '--public',
    '--kind',
    'chunk',
    '--max-tokens',
    '48',
    '--out',
    'sun.jsonl',
  )
  expect(cut.out).toMatch(/100 % {2}1 of 1 parts.*\d+ chunks in 1 part, by 1 worker, none tried again/s)
  const lines = readFileSync(join(bench.folder, 'sun.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.map(({ start, end }) => TEXT.slice(start, end)).join('')).toBe(TEXT)
  const [job] = JSON.parse((await run('task', 'list', '--json')).out)
  expect(job).toMatchObject({ kind: 'chunk', state: 'done', total: 1 })
})

test('a purchase above the price is refused with a sentence, and exits with 1', async () => {
  await using bench = cliBench()
  const anna = await bench.start(bench.home('anna'), ['--roles', 'utility'])
  const bert = await bench.start(bench.home('bert'), ['--bootstrap', anna.address])
  const { code, err } = await bench.run(bert.home, ['trade', 'buy', '500Wh', '--max', '0.0001'])
  expect([code, err]).toEqual([1, expect.stringMatching(/^wattmesh: nothing was bought: .+\n {2}→ .+\n$/)])
})

test('the API opens only to its token and its own name, and its file goes with the daemon', async () => {
  await using bench = cliBench()
  const { home, apiPort, lines, end } = await bench.start(bench.home('a'))
  const file = join(home, 'api.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const { token } = JSON.parse(readFileSync(file, 'utf8'))
  const authorization = `Bearer ${token}`
  const ask = (path: string, headers: Record<string, string>) => statusOf(apiPort, path, headers)
  expect(await ask('/v1/status', { authorization })).toBe(200)
  expect(await ask('/v1/status', {})).toBe(401)
  expect(await ask('/v1/status', { authorization: 'Bearer nonsense' })).toBe(401)
  expect(await ask('/metrics', {})).toBe(401)
  expect(await ask('/v1/status', { authorization, host: `evil.example:${apiPort}` })).toBe(403)
  expect(await ask('/healthz', { host: 'evil.example' })).toBe(403)
  expect([await ask('/healthz', {}), await ask('/readyz', {})]).toEqual([200, 200])
  expect(await ask('/v1/nothing', { authorization })).toBe(404)
  expect(await ask('/v1/trades?limit=0', { authorization })).toBe(400)
  const [trading, daemon] = [openClient(home).of(tradingCommands), openClient(home).of(daemonCommands)]
  await expect(trading.trade({ id: 'none' })).rejects.toMatchObject({ code: 'API_NOT_FOUND' })
  await expect(trading.buy({ energyWh: 0.5 })).rejects.toMatchObject({ code: 'API_BAD_REQUEST' })
  const more: { energyWh: number } = Object.assign({ energyWh: 5 }, { extra: 1 })
  await expect(trading.buy(more)).rejects.toMatchObject({ code: 'API_BAD_REQUEST' })
  expect(lines.filter(line => JSON.parse(line).msg === 'ready')).toHaveLength(1)
  expect(await end('SIGTERM')).toBe(0)
  await expect(daemon.id()).rejects.toMatchObject({ code: 'API_NO_DAEMON' })
  expect(() => openClient(home)).toThrow(expect.objectContaining({ code: 'API_NO_DAEMON' }))
})

test('after a kill a command says that no daemon runs, and a restart keeps the peer id', async () => {
  await using bench = cliBench()
  const home = bench.home('a')
  const first = await bench.start(home)
  await first.end('SIGKILL')
  expect(await bench.run(home, ['status'])).toEqual({
    code: 1,
    out: '',
    err: `wattmesh: no daemon is running for ${home}\n  → start it with "wattmesh run"\n`,
  })
  const second = await bench.start(home)
  expect(second.peerId).toBe(first.peerId)
  expect((await bench.run(home, ['id'])).out).toContain(first.peerId)
})

test('a start that fails says in one sentence why, and exits with 1', async () => {
  await using bench = cliBench()
  const { home, address, apiPort } = await bench.start(bench.home('a'))
  const other = bench.home('b')
  const quiet = ['run', '--set', 'network.mdns=false', '--listen', '/ip4/127.0.0.1/tcp/0']
  const taken = address.split('/')[4]

  const cases: [string, string[], string][] = [
    [home, quiet, 'another daemon uses this data directory'],
    [other, [...quiet, '--listen', `/ip4/127.0.0.1/tcp/${taken}`], `port ${taken} is in use`],
    [other, [...quiet, '--set', `api.port=${apiPort}`], `port ${apiPort} of the local API is in use`],
    [other, [...quiet, '--set', 'network.zon=x'], 'unknown option "network.zon"'],
    [other, [...quiet, '--roles', 'cook'], 'option "roles"'],
    [other, [...quiet, '--bootstrap', 'nonsense'], 'not a multiaddr: nonsense'],
  ]
  for (const [where, args, said] of cases) {
    const { code, out, err } = await bench.run(where, args)
    expect({ code, out }, err).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^wattmesh: [^\n]+\n {2}→ [^\n]+\n$/)
    expect(err).toContain(said)
  }
})

test('init writes a key and a configuration, refuses to do it twice, and encrypts the key on request', async () => {
  await using bench = cliBench()
  const home = join(bench.folder, 'new')
  const made = await bench.run(home, ['init'])
  expect([made.code, statSync(join(home, 'identity.json')).mode & 0o777]).toEqual([0, 0o600])
  expect((await bench.run(home, ['config'])).out).toMatch(/network\.zone +zone-1 +default/)
  expect(await bench.run(home, ['init'])).toMatchObject({ code: 1, err: expect.stringContaining('is there already') })

  const locked = join(bench.folder, 'locked')
  expect((await bench.run(locked, ['init', '--passphrase'])).err).toContain('no passphrase')
  const secret = { WATTMESH_PASSPHRASE: 'correct horse' }
  await bench.run(locked, ['init', '--passphrase'], secret)
  expect((await bench.run(locked, ['id'])).err).toContain('is encrypted')
  expect((await bench.run(locked, ['id'], secret)).out).toContain('12D3KooW')
})

test('a file that is no text is named, with the reason', async () => {
  await using bench = cliBench()
  const { home } = await bench.start(bench.home('a'))
  mkdirSync(join(bench.folder, 'folder'))
  writeFileSync(join(bench.folder, 'empty.txt'), ' \n')
  writeFileSync(join(bench.folder, 'binary'), Buffer.from([1, 2, 0, 3]))
  const reasons = {
    missing: 'does not exist',
    folder: 'is a folder',
    'empty.txt': 'has no text',
    binary: 'is not a text file',
  }
  for (const [file, reason] of Object.entries(reasons)) {
    const { code, err } = await bench.run(home, ['task', 'submit', file])
    expect([code, err]).toEqual([1, expect.stringContaining(`wattmesh: ${file} ${reason}\n  → `)])
  }
})

test('the launcher works through a symbolic link, and a wrong command gets a suggestion and exit code 2', async () => {
  await using bench = cliBench()
  const { code, err } = await bench.run(bench.folder, ['stats'])
  expect([code, err]).toEqual([2, expect.stringContaining('Did you mean status?')])
  const link = join(bench.folder, 'link')
  symlinkSync(join(import.meta.dirname, '../../scripts/wattmesh'), link)
  expect(execFileSync(link, ['--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/)
})

/** With Node's own client: `fetch` does not let one choose the host header. */
function statusOf(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .once('error', reject)
      .end()
  })
}

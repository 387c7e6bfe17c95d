import { Command } from 'commander'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { tcpOf } from '../../src/cli/doctor/addresses.ts'
import { multicastRoute } from '../../src/cli/doctor/machine-checks.ts'
import { commentedConfig } from '../../src/cli/init.ts'
import { optionsFrom } from '../../src/cli/run/flags.ts'
import { progressLine } from '../../src/cli/task/progress.ts'
import { plainText } from '../../src/cli/terminal/table.ts'
import { homeOf, type Terminal } from '../../src/cli/terminal/terminal.ts'
import { duration, energy, parseEnergy, parsePrice, price } from '../../src/cli/terminal/units.ts'
import { optionDocs, optionsSchema } from '../../src/config/options.ts'
import type { JobViewAnswer } from '../../src/domains/tasks/commands.ts'

test('an amount of energy without a unit is in kWh, and is kept in whole Wh', () => {
  expect(['0.5', '0.5kWh', '500Wh', '500 wh', '1.2345'].map(parseEnergy)).toEqual([500, 500, 500, 500, 1235])
})

test.each(['', 'x', '1x', '-1', '0', '0.0001', '1e3', 'Wh', '1,5'])('"%s" is refused as an amount of energy', text => {
  expect(() => parseEnergy(text)).toThrow(expect.objectContaining({ code: 'CLI_BAD_ENERGY' }))
})

test('a price is kept in millionths, without an error of floating point', () => {
  expect(['0.25', '0.1', '0', '3'].map(parsePrice)).toEqual([250_000, 100_000, 0, 3_000_000])
  for (const wrong of ['', '-1', '0,25', 'cheap']) {
    expect(() => parsePrice(wrong)).toThrow(expect.objectContaining({ code: 'CLI_BAD_PRICE' }))
  }
})

test('what is shown has units a person uses', () => {
  expect([energy(999), energy(1500), price(250_000, 'EUR')]).toEqual(['999 Wh', '1.5 kWh', '0.25 EUR/kWh'])
  expect([0, 999, 1_500, 61_000, 3_660_000].map(duration)).toEqual([
    '0 ms',
    '999 ms',
    '1.5 s',
    '1 min 1 s',
    '1 h 1 min',
  ])
})

test('text of other peers cannot steer the terminal', () => {
  expect(plainText('an\u001b[2Jna\r\nx\u202e\u0007')).toBe('an[2Jna x')
})

test('flags become options by path; --set is the last word; lists may be repeated or have commas', () => {
  const read = (path: string, text: string) => `${path}:${text}`
  const options = optionsFrom(
    { zone: 'a', roles: ['household, utility', 'compute'], set: ['network.zone=b=c'] },
    { read },
  )
  expect(options).toMatchObject({
    roles: ['household', 'utility', 'compute'],
    'network.zone': 'network.zone:b=c',
    'network.listen': undefined,
  })
  expect(() => optionsFrom({ set: ['mdns'] }, { read })).toThrow(expect.objectContaining({ code: 'CLI_BAD_SET' }))
})

test('the configuration init writes changes nothing as it is, and names every option with its default', () => {
  expect(parse(commentedConfig())).toEqual({ ...tablesOf(commentedConfig()) })
  const uncommented = commentedConfig()
    .replaceAll(/^# (\w+ = .*)$/gm, '$1')
    .replaceAll(/^\w+ = "…"$/gm, '')
  expect(optionsSchema.parse(parse(uncommented))).toEqual(optionsSchema.parse({}))
  for (const { path, description } of optionDocs()) {
    expect(commentedConfig()).toContain(description)
    expect(commentedConfig()).toMatch(new RegExp(`^# ${path.split('.').at(-1)} = `, 'm'))
  }
})

test('the data directory is the flag, else the variable, else where XDG has it', () => {
  const home = (argv: string[], env: Record<string, string>) => {
    const program = new Command().option('--home <dir>').action(() => undefined)
    program.parse(argv, { from: 'user' })
    return homeOf(program, { env, cwd: '/here' } as unknown as Terminal)
  }
  expect(home(['--home', 'x'], { WATTMESH_HOME: '/v' })).toBe('/here/x')
  expect(home([], { WATTMESH_HOME: '/v', XDG_DATA_HOME: '/d' })).toBe('/v')
  expect(home([], { XDG_DATA_HOME: '/d', HOME: '/h' })).toBe('/d/wattmesh')
  expect(home([], { XDG_DATA_HOME: 'relative', HOME: '/h' })).toBe('/h/.local/share/wattmesh')
})

test('multicast needs a default route or one that covers its addresses', () => {
  const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n'
  const route = (destination: string, flags: string, mask: string) =>
    `${head}eth0\t${destination}\t00000000\t${flags}\t0\t0\t0\t${mask}\t0\t0\t0\n`
  expect(multicastRoute(route('00000000', '0003', '00000000'))).toBe(true)
  expect(multicastRoute(route('000000E0', '0001', '000000F0'))).toBe(true)
  expect(multicastRoute(route('0000A8C0', '0001', '00FFFFFF'))).toBe(false)
  expect(multicastRoute(route('00000000', '0002', '00000000'))).toBe(false)
  expect(multicastRoute(head)).toBe(false)
})

test('host and port are read from addresses over TCP', () => {
  expect(tcpOf('/ip4/127.0.0.1/tcp/4747/p2p/12D3')).toEqual({ host: '127.0.0.1', port: 4747 })
  expect(tcpOf('/dns4/a.example/tcp/1')).toEqual({ host: 'a.example', port: 1 })
  expect(tcpOf('/ip4/127.0.0.1/udp/4747')).toBeUndefined()
})

test('progress shows a rate and a remaining time only once there is something to measure', () => {
  const job = (done: number) => ({ counts: { done }, total: 10 }) as unknown as JobViewAnswer
  expect(progressLine(job(4), { sinceMs: 1_000, doneSince: 0 })).toMatch(/ 40 % {2}4 of 10 parts$/)
  expect(progressLine(job(4), { sinceMs: 2_000, doneSince: 4 })).toMatch(/4 of 10 parts {2}2\.0 parts\/s {2}3 s left$/)
  expect(progressLine(job(10), { sinceMs: 2_000, doneSince: 4 })).toMatch(/100 % {2}10 of 10 parts {2}2\.0 parts\/s$/)
})

/** The empty tables a file of comments has. */
function tablesOf(text: string): Record<string, object> {
  return Object.fromEntries([...text.matchAll(/^\[(\w+)\]$/gm)].map(([, name]) => [name, {}]))
}

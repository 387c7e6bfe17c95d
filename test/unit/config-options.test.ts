import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig, variableOf } from '../../src/config/config.ts'
import { KEY_FILE, openSeed } from '../../src/config/identity.ts'
import { optionDocs } from '../../src/config/options.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import { scratch } from '../support/storm.ts'

function home(toml?: string) {
  const folder = scratch()
  const path = folder.path('home')
  mkdirSync(path)
  if (toml !== undefined) writeFileSync(join(path, 'config.toml'), toml)
  return { path, keyFile: join(path, KEY_FILE), [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

function caught(work: () => unknown): CodedError {
  try {
    work()
  } catch (error) {
    if (error instanceof CodedError) return error
    throw error
  }
  return expect.fail('it did not throw')
}

test('a flag beats the environment, the environment the file, the file the default, and each is told apart', () => {
  using at = home('[market]\nslotMs = 5000\nspeed = 2\nreservationMs = 2000\n')
  const environment = { WATTMESH_MARKET_SPEED: '3', WATTMESH_MARKET_RESERVATION_MS: '4000' }
  const { options, origins } = loadConfig(at.path, environment, { 'market.reservationMs': 6_000 })
  expect(options.market).toMatchObject({ slotMs: 5_000, speed: 3, reservationMs: 6_000, stepTimeoutMs: 10_000 })
  expect(Object.fromEntries(origins)).toEqual({
    'market.slotMs': 'file',
    'market.speed': 'environment',
    'market.reservationMs': 'flag',
  })
})

test('a flag that was not given leaves the file its say', () => {
  using at = home('name = "roof"')
  expect(loadConfig(at.path, {}, { name: undefined }).options.name).toBe('roof')
})

test('lists, numbers and switches are read from the environment as what they are', () => {
  using at = home()
  const environment = {
    WATTMESH_ROLES: 'household, compute',
    WATTMESH_NETWORK_MDNS: 'false',
    WATTMESH_API_PORT: '8080',
    WATTMESH_NETWORK_BOOTSTRAP: '',
  }
  const { options } = loadConfig(at.path, environment)
  expect(options.roles).toEqual(['household', 'compute'])
  expect(options.network).toMatchObject({ mdns: false, bootstrap: [] })
  expect(options.api.port).toBe(8_080)
})

test.each([
  ['[network]\nzoen = "north"', 'network.zoen', 'network.zone'],
  ['slotMs = 1', 'slotMs', undefined],
  ['network = 5', 'network', undefined],
  ['[compute]\nthread = 2', 'compute.thread', 'compute.threads'],
])('the unknown option in %j is an error with a suggestion', (toml, path, suggestion) => {
  using at = home(toml)
  const error = caught(() => loadConfig(at.path, {}))
  expect(error.code).toBe('CONFIG_UNKNOWN_KEY')
  expect(error.message).toContain(`"${path}"`)
  expect(error.message).toContain('config.toml')
  expect(error.hint).toMatch(/did you mean "\w/)
  if (suggestion !== undefined) expect(error.hint).toContain(`"${suggestion}"`)
})

test.each([
  ['a file', '[market]\nslotMs = "long"', {}, {}, 'config.toml'],
  ['the environment', undefined, { WATTMESH_MARKET_SLOT_MS: 'long' }, {}, 'WATTMESH_MARKET_SLOT_MS'],
  ['a flag', undefined, {}, { 'market.slotMs': 5 }, 'flag market.slotMs'],
  ['an empty variable', undefined, { WATTMESH_MARKET_SLOT_MS: ' ' }, {}, 'WATTMESH_MARKET_SLOT_MS'],
  ['a date', '[market]\nslotMs = 2026-01-01', {}, {}, 'config.toml'],
])('a bad value from %s is named with its source, and what the option means', (_, toml, environment, flags, source) => {
  using at = home(toml)
  const error = caught(() => loadConfig(at.path, environment, flags))
  expect(error.code).toBe('CONFIG_BAD_VALUE')
  expect(error.message).toContain('market.slotMs')
  expect(error.message).toContain(source)
  expect(error.hint).toContain('Unit: ms')
})

test('a bad item of a list is named by its list', () => {
  using at = home('roles = ["household", "king"]')
  expect(caught(() => loadConfig(at.path, {})).message).toMatch(/"roles" \(.*config\.toml\)/)
})

test('a file that is no TOML is named with the line', () => {
  using at = home('name = "a"\nthis is nothing\n')
  const error = caught(() => loadConfig(at.path, {}))
  expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE', message: expect.stringContaining('config.toml') })
  expect(error.message).toContain('2')
})

test('nobody changes a configuration once it is loaded', () => {
  using at = home()
  const { options } = loadConfig(at.path, {})
  expect(() => Object.assign(options.market, { speed: 9 })).toThrow(TypeError)
  expect(() => (options.roles as string[]).push('king')).toThrow(TypeError)
})

test('every option has a sentence, and a variable of its own', () => {
  const docs = optionDocs()
  expect(docs.filter(({ description }) => description === '')).toEqual([])
  expect(new Set(docs.map(({ path }) => variableOf(path))).size).toBe(docs.length)
})

// ── Identity ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('the key is made at the first start, for its owner alone, and is the same afterwards', () => {
  using at = home()
  const first = openSeed(at.path)
  expect(first).toMatchObject({ created: true })
  expect(first.seed).toHaveLength(32)
  expect(statSync(at.keyFile).mode & 0o777).toBe(0o600)
  const second = openSeed(at.path)
  expect(second.created).toBe(false)
  expect(Buffer.from(second.seed)).toEqual(Buffer.from(first.seed))
})

test.each([0o640, 0o604, 0o644])('a key that others can read (mode %o) is refused with the remedy', mode => {
  using at = home()
  openSeed(at.path)
  chmodSync(at.keyFile, mode)
  expect(caught(() => openSeed(at.path))).toMatchObject({
    code: 'KEY_EXPOSED',
    message: expect.stringContaining(mode.toString(8)),
    hint: expect.stringContaining('chmod 600'),
  })
})

test.each([
  ['empty', ''],
  ['no JSON', 'hello'],
  ['of another version', '{"version":2,"type":"Ed25519","seed":"AAAA"}'],
  ['too short', '{"version":1,"type":"Ed25519","seed":"AAAA"}'],
  [
    'locked with parameters no scrypt takes',
    '{"version":1,"type":"Ed25519","kdf":"scrypt","N":3,"r":8,"p":1,"salt":"AAAA","nonce":"AAAAAAAAAAAAAAAA","sealed":"AAAA"}',
  ],
])('a key file that is %s is called damaged, and stays as it is', (_, content) => {
  using at = home()
  writeFileSync(at.keyFile, content, { mode: 0o600 })
  expect(caught(() => openSeed(at.path, 'secret')).code).toBe('KEY_CORRUPT')
  expect(readFileSync(at.keyFile, 'utf8')).toBe(content)
})

test('a key under a passphrase opens with it, and only with it', () => {
  using at = home()
  const { seed } = openSeed(at.path, 'correct horse')
  expect(readFileSync(at.keyFile, 'utf8')).not.toContain(Buffer.from(seed).toString('base64'))
  expect(Buffer.from(openSeed(at.path, 'correct horse').seed)).toEqual(Buffer.from(seed))
  expect(caught(() => openSeed(at.path, 'battery staple')).code).toBe('KEY_PASSPHRASE')
  const locked = caught(() => openSeed(at.path))
  expect(locked).toMatchObject({ code: 'KEY_LOCKED', hint: expect.stringContaining('WATTMESH_PASSPHRASE') })
})

import { describe, expect, test } from 'vitest'
import { optionsSchema } from '../../src/config/options.ts'
import { type Commands, routeOf } from '../../src/daemon/command.ts'
import { daemonCommands } from '../../src/daemon/commands.ts'
import { agentsDomain } from '../../src/domains/agents/agents.ts'
import { booksDomain } from '../../src/domains/books/books.ts'
import { energyDomain } from '../../src/domains/energy/energy.ts'
import { knowledgeDomain } from '../../src/domains/knowledge/knowledge.ts'
import { mannersDomain } from '../../src/domains/manners/manners.ts'
import { peersDomain } from '../../src/domains/peers/peers.ts'
import { tasksDomain } from '../../src/domains/tasks/tasks.ts'
import { tradingDomain } from '../../src/domains/trading/trading.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import type { Kept } from '../../src/storage/kept.ts'
import { openStorage } from '../../src/storage/storage.ts'
import { greetingsDomain } from '../support/greetings/greetings.ts'
import { scratch } from '../support/storm.ts'

const DOMAINS = [
  peersDomain,
  booksDomain,
  energyDomain,
  tradingDomain,
  mannersDomain,
  tasksDomain,
  knowledgeDomain,
  agentsDomain,
  greetingsDomain,
]

const keyOf = (command: Commands[string]): string => {
  const { method, path } = routeOf(command)
  return `${method} ${path.replaceAll(/:\w+/g, ':')}`
}

describe.each(DOMAINS.map(domain => [domain.name, domain] as const))('the domain %s', (name, domain) => {
  test('has a name that commands, facts and metrics can begin with', () => {
    expect(name).toMatch(/^[a-z][a-z0-9]*$/)
  })

  test('has options that need nobody to set them', () => {
    const options = optionsSchema.parse({})
    expect(() => domain.options.parse(options)).not.toThrow()
  })

  test.each(Object.entries<Commands[string]>(domain.commands))('says of its command %s what it is', (key, command) => {
    expect(key).toMatch(/^[a-z][A-Za-z]*$/)
    expect(command.says).toMatch(/^[A-Z].*\.$/)
    expect(routeOf(command).path).toMatch(/^\/[a-z0-9/:_-]+$/i)
    // Whatever the path names is a field of the input.
    expect(Object.keys(command.input.shape)).toEqual(expect.arrayContaining(routeOf(command).names))
    // What only reads may be asked by whoever may read.
    if (command.route.startsWith('GET ')) expect(['read', 'admin']).toContain(command.scope)
    else expect(command.scope).not.toBe('admin')
  })

  test('makes its tables once, and finds them again', () => {
    using folder = scratch()
    const options = domain.options.parse(optionsSchema.parse({}))
    for (let life = 0; life < 2; life++) {
      const storage = openStorage(folder.path('wattmesh.db'), { clock: systemClock, metrics: createMetrics() })
      const { read } = storage.open({
        name,
        migrations: domain.migrations ?? [],
        store: (db, tools) => domain.store(db, tools, options as never) as Kept<never, object>,
      })
      expect(read).toBeTypeOf('object')
      storage.stop()
    }
  })

  test('brings kinds of work that are called by their own names', () => {
    for (const [key, kind] of Object.entries(domain.kinds?.kinds ?? {})) {
      expect(kind.name).toBe(key)
      expect(kind.version).toBeGreaterThan(0)
      expect(kind.limits.maxMemoryMb).toBeGreaterThan(0)
    }
    if (domain.kinds !== undefined) expect(domain.kinds.module).toBeInstanceOf(URL)
  })
})

test('no two domains share a name, a route, a topic or a kind of work', () => {
  const all = [
    DOMAINS.map(({ name }) => name),
    [daemonCommands, ...DOMAINS.map(({ commands }) => commands)].flatMap(table =>
      Object.values<Commands[string]>(table).map(keyOf),
    ),
    DOMAINS.flatMap(({ topics }) => Object.keys(topics ?? {})),
    DOMAINS.flatMap(({ kinds }) => Object.keys(kinds?.kinds ?? {})),
  ]
  for (const names of all) {
    expect(names.length).toBeGreaterThan(0)
    expect(names.toSorted((a, b) => a.localeCompare(b))).toEqual(
      [...new Set(names)].toSorted((a, b) => a.localeCompare(b)),
    )
  }
})

import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { nothingSensed } from '../../src/domains/manners/conditions.ts'
import { createIdleIo } from '../../src/domains/manners/sensors/idle-io.ts'
import { localMinuteOfDay, openMachine } from '../../src/domains/manners/sensors/machine.ts'
import { isMetered } from '../../src/domains/manners/sensors/metered-network.ts'
import { createProbes } from '../../src/domains/manners/sensors/probes.ts'
import { createProcessorProbe } from '../../src/domains/manners/sensors/processor.ts'
import { createSensors, type Probes } from '../../src/domains/manners/sensors/sensors.ts'
import { readZones } from '../../src/domains/manners/sensors/temperature.ts'
import { hidIdleMs, idleOfDevices } from '../../src/domains/manners/sensors/user-activity.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { scratch } from '../support/storm.ts'

const probe = <T>(read: () => Promise<T | undefined>, everyMs = 0) => ({ read, everyMs })
const unknown = probe(async () => undefined)
const noProbes: Probes = {
  onBattery: unknown,
  userIdleMs: unknown,
  otherCpuPercent: unknown,
  temperatureC: unknown,
  metered: unknown,
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

describe('a look at the machine', () => {
  it('leaves unknown what fails, and goes on with the rest', async () => {
    const failing = probe(async () => {
      throw new Error('no such device')
    })
    const probes = { ...noProbes, onBattery: failing, temperatureC: probe(async () => 61) }
    const sense = createSensors({ probes, clock: fakeClock(), log: silentLog })
    expect(await sense()).toEqual({ ...nothingSensed, temperatureC: 61 })
  })

  it('does not wait for a sensor that hangs, nor asks it again before it has come back', async () => {
    const clock = fakeClock()
    const answers: (() => void)[] = []
    const hanging = probe(() => new Promise<boolean>(resolve => answers.push(() => resolve(true))))
    const sense = createSensors({ probes: { ...noProbes, metered: hanging }, clock, log: silentLog, timeoutMs: 500 })
    for (let looks = 0; looks < 3; looks++) {
      const looked = sense()
      await clock.advance(500)
      expect((await looked).metered).toBeUndefined()
    }
    expect(answers).toHaveLength(1)
    answers[0]?.()
    await eventLoopTurn()
    const looked = sense()
    answers[1]?.()
    expect((await looked).metered).toBe(true)
  })

  it('asks again only when the answer is old: starting a process costs', async () => {
    const clock = fakeClock()
    let asked = 0
    const costly = probe(async () => ++asked, 15_000)
    const sense = createSensors({ probes: { ...noProbes, temperatureC: costly }, clock, log: silentLog })
    for (let looks = 0; looks < 6; looks++) {
      await sense()
      await clock.advance(5_000)
    }
    expect(asked).toBe(2)
  })

  it('works on the machine of this test, whatever it has', async () => {
    const sense = createSensors({
      probes: createProbes({ clock: systemClock, ownCpuMs: () => 0 }),
      clock: systemClock,
      log: silentLog,
    })
    const { userIdleMs = 0, temperatureC = 20 } = await sense()
    expect(userIdleMs).toBeGreaterThanOrEqual(0)
    expect(temperatureC).toBeGreaterThan(0)
  })
})

describe('processor use of others', () => {
  const times = (user: number, idle: number) => ({ times: { user, nice: 0, sys: 0, irq: 0, idle } })

  it('is what is neither idle nor ours, of all cores', async () => {
    let [cores, ownMs] = [[times(0, 0), times(0, 0)], 0]
    const read = createProcessorProbe({ cpus: () => cores, ownCpuMs: () => ownMs })
    expect(await read()).toBeUndefined()
    ;[cores, ownMs] = [[times(900, 100), times(300, 700)], 800]
    expect(await read()).toBe(20)
  })

  it('is unknown where the system hides its counters or they run backwards', async () => {
    let cores = [times(500, 500)]
    const read = createProcessorProbe({ cpus: () => cores, ownCpuMs: () => 0 })
    await read()
    expect(await read()).toBeUndefined()
    cores = [times(900, 100)]
    expect(await read()).toBeUndefined()
  })
})

describe('the user', () => {
  it('was there when a terminal or an input device was last read', async () => {
    using dev = scratch()
    const now = Date.UTC(2026, 0, 1)
    for (const [name, agoS] of [
      ['tty1', 900],
      ['pts/0', 90],
      ['pts/ptmx', 1],
      ['input/event3', 200],
      ['null', 1],
    ] as const) {
      write(dev.path(name), '')
      utimesSync(dev.path(name), now / 1000 - agoS, now / 1000)
    }
    expect(await idleOfDevices(dev.path('.'), now)).toBe(90_000)
  })

  it('is unknown where there is no device', async () => {
    using dev = scratch()
    expect(await idleOfDevices(dev.path('.'), 0)).toBeUndefined()
  })

  it('is read from the least of a Mac’s input devices', () => {
    expect(hidIdleMs('| "HIDIdleTime" = 5000000000\n  |   "HIDIdleTime" = 1234567890')).toBe(1_235)
    expect(hidIdleMs('nothing')).toBeUndefined()
  })
})

describe('the network', () => {
  it('is metered when a connected device says or guesses so', () => {
    const wifi = (state: string, metered: string) => `GENERAL.STATE:${state}\nGENERAL.METERED:${metered}\n\n`
    expect(isMetered(wifi('100 (connected)', 'yes (guessed)'))).toBe(true)
    expect(isMetered(wifi('30 (disconnected)', 'yes') + wifi('100 (connected)', 'no'))).toBe(false)
    expect(isMetered(wifi('100 (connected)', 'unknown'))).toBeUndefined()
    expect(isMetered('')).toBeUndefined()
  })
})

describe('the temperature', () => {
  it('is that of the hottest part of the processor, without disks and broken sensors', async () => {
    using sys = scratch()
    write(sys.path('thermal/thermal_zone0/type'), 'cpu-thermal\n')
    write(sys.path('thermal/thermal_zone0/temp'), '48312\n')
    write(sys.path('thermal/thermal_zone1/type'), 'iwlwifi_1\n')
    write(sys.path('thermal/thermal_zone1/temp'), '99000\n')
    write(sys.path('hwmon/hwmon0/name'), 'coretemp\n')
    write(sys.path('hwmon/hwmon0/temp1_input'), '61000\n')
    write(sys.path('hwmon/hwmon0/temp2_input'), '-128000\n')
    write(sys.path('hwmon/hwmon0/temp1_crit'), '105000\n')
    expect(await readZones(sys.path('.'))).toBe(61)
  })

  it('is unknown without sensors', async () => {
    using sys = scratch()
    expect(await readZones(sys.path('.'))).toBeUndefined()
  })
})

describe('the machine', () => {
  it('has no more memory than its container', async () => {
    using cgroup = scratch()
    const own = { maxThreads: 2, threadMemoryMb: 400 }
    write(cgroup.path('memory.max'), `${256 * 2 ** 20}\n`)
    expect(await openMachine(own, cgroup.path('memory.max'))).toMatchObject({ ...own, memoryMb: 256 })
    write(cgroup.path('memory.max'), 'max\n')
    const { memoryMb } = await openMachine(own, cgroup.path('memory.max'))
    expect(await openMachine(own, cgroup.path('none'))).toMatchObject({ memoryMb })
    expect(memoryMb).toBeGreaterThan(256)
  })
})

it('the minute of the day is that of the wall clock here', () => {
  expect(localMinuteOfDay(new Date(2026, 5, 1, 13, 7, 59).getTime())).toBe(13 * 60 + 7)
})

describe('idle I/O', () => {
  const stat = (name: string, nice: number) => `7 (${name}) S ${Array(15).fill('0').join(' ')} ${nice} 12 0 0`

  it('is for the threads that were stepped back, each once', async () => {
    using proc = scratch()
    for (const [id, nice] of [
      ['100', 0],
      ['101', 10],
      ['102', 10],
    ] as const) {
      write(join(proc.path(id), 'stat'), stat('node) worker (', nice))
    }
    const set: string[][] = []
    const idleIo = createIdleIo({
      nice: 10,
      log: silentLog,
      threadsFolder: proc.path('.'),
      setIdle: async ids => void set.push(ids.toSorted()),
    })
    await idleIo()
    await idleIo()
    write(join(proc.path('103'), 'stat'), stat('node', 10))
    symlinkSync('/nowhere', proc.path('104'))
    await idleIo()
    expect(set).toEqual([['101', '102'], ['103']])
  })

  it('is not tried again where it is forbidden', async () => {
    using proc = scratch()
    write(join(proc.path('101'), 'stat'), stat('node', 10))
    let tried = 0
    const idleIo = createIdleIo({
      nice: 10,
      log: silentLog,
      threadsFolder: proc.path('.'),
      async setIdle() {
        tried += 1
        throw new Error('not permitted')
      },
    })
    await idleIo()
    await idleIo()
    expect(tried).toBe(1)
  })
})

import type { Clock } from '../../../kernel/clock.ts'
import { messageOf } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'
import { nothingSensed, type Sensed } from '../conditions.ts'

/** One question to the machine. Undefined: it has no answer; an error counts the same. */
export interface Probe<T> {
  read(): Promise<T | undefined>
  /** Asked again when its answer is this old: some questions start a process. */
  readonly everyMs: number
}

export type Probes = { readonly [Name in keyof Sensed]: Probe<NonNullable<Sensed[Name]>> }

export interface SensorsDeps {
  readonly probes: Probes
  readonly clock: Clock
  readonly log: Log
  /** What a look waits for an answer; a probe that hangs is not asked again before it has come back. */
  readonly timeoutMs?: number
}

/** Asks those whose answers are old, all at once, and never longer than the time-out; what fails is unknown. */
export function createSensors({ probes, clock, log, timeoutMs = 2_000 }: SensorsDeps): () => Promise<Sensed> {
  const sensors = {
    onBattery: sensor('onBattery', probes.onBattery),
    userIdleMs: sensor('userIdleMs', probes.userIdleMs),
    otherCpuPercent: sensor('otherCpuPercent', probes.otherCpuPercent),
    temperatureC: sensor('temperatureC', probes.temperatureC),
    metered: sensor('metered', probes.metered),
  }

  function sensor<T>(name: keyof Sensed, probe: Probe<T>): () => Promise<T | undefined> {
    let known: { value: T | undefined; askedMs: number } | undefined
    let asking: Promise<void> | undefined
    let said = false

    async function ask(): Promise<void> {
      const askedMs = clock.now()
      try {
        known = { value: await probe.read(), askedMs }
      } catch (error) {
        known = { value: undefined, askedMs }
        if (!said)
          log.info({ sensor: name, reason: messageOf(error) }, 'a sensor does not work here: unknown from now on')
        said = true
      }
    }

    return async () => {
      if (known !== undefined && clock.now() - known.askedMs < probe.everyMs) return known.value
      asking ??= ask().finally(() => {
        asking = undefined
      })
      const inTime = await within(asking)
      return inTime ? known?.value : undefined
    }
  }

  async function within(work: Promise<void>): Promise<boolean> {
    const giveUp = new AbortController()
    const late = clock.sleep(timeoutMs, giveUp.signal).then(() => false)
    const done = await Promise.race([work.then(() => true), late])
    giveUp.abort()
    return done
  }

  return async () => {
    const [onBattery, userIdleMs, otherCpuPercent, temperatureC, metered] = await Promise.all([
      sensors.onBattery(),
      sensors.userIdleMs(),
      sensors.otherCpuPercent(),
      sensors.temperatureC(),
      sensors.metered(),
    ])
    return { ...nothingSensed, onBattery, userIdleMs, otherCpuPercent, temperatureC, metered }
  }
}

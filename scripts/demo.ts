import { parseArgs } from 'node:util'
import { runLocal } from '../src/harness/local.ts'
import { CodedError, messageOf } from '../src/kernel/errors.ts'

/**
 * A street on this machine: a bootstrap node, ten households and a utility that trade for a minute, three of the
 * households compute for a neighbour, and one of those is killed in the middle of it.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    json: { type: 'string' },
    record: { type: 'string' },
    html: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
  },
})

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
process.once('SIGTERM', () => interrupted.abort())

try {
  const { invariants } = await runLocal(
    {
      households: 10,
      utilities: 1,
      compute: 3,
      speed: 180,
      slotMinutes: 15,
      offlinePercent: 30,
      lossPercent: 0,
      killPercent: 0,
      killWorker: true,
      textKb: 400,
      seconds: Number(values.seconds),
      seed: Number(values.seed),
      ...(values.data === undefined ? {} : { data: values.data }),
      ...(values.json === undefined ? {} : { json: values.json }),
      ...(values.html === undefined ? {} : { html: values.html }),
      ...(values.record === undefined ? {} : { record: values.record }),
    },
    { stdout: process.stdout, signal: interrupted.signal },
  )
  process.exitCode = invariants.every(invariant => invariant.holds) && !interrupted.signal.aborted ? 0 : 1
} catch (error) {
  console.error(messageOf(error))
  if (error instanceof CodedError && error.hint !== undefined) console.error(`  ${error.hint}`)
  process.exitCode = 1
}

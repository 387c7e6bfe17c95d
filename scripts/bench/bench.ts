import { parseArgs } from 'node:util'
import { CodedError, messageOf } from '../../src/kernel/errors.ts'
import { type Figure, fallsShort, type Part } from './figure.ts'
import { machine, machineLine, table, writeReport } from './report.ts'

/** Loaded one at a time: a part alone starts at once, and is not measured in the memory of the others. */
const PARTS: Readonly<Record<string, () => Promise<Part>>> = {
  envelope: async () => (await import('./envelope.ts')).envelope,
  streams: async () => (await import('./streams.ts')).streams,
  gossip: async () => (await import('./gossip.ts')).gossip,
  storage: async () => (await import('./storage.ts')).storage,
  daemon: async () => (await import('./daemon.ts')).daemon,
  query: async () => (await import('./query.ts')).query,
  soc: async () => (await import('./soc.ts')).soc,
  trades: async () => (await import('./trades.ts')).trades,
  catalog: async () => (await import('./catalog.ts')).catalog,
  market: async () => (await import('./market.ts')).market,
  compute: async () => (await import('./compute.ts')).compute,
  chunking: async () => (await import('./chunking.ts')).chunking,
  spread: async () => (await import('./spread.ts')).spread,
  queue: async () => (await import('./queue.ts')).queue,
}
/** Whatever hangs, hangs no longer than this. */
const DEADLINE_MS = 20 * 60_000
const USAGE = 'npm run bench -- [--only envelope,streams] [--json FILE]'

/** What the parts have started ends with this process, whose exit listeners see to it. */
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
setTimeout(() => {
  console.error(`the bench did not end within ${DEADLINE_MS / 1000} s`)
  process.exit(1)
}, DEADLINE_MS).unref()

try {
  process.exitCode = await bench()
} catch (error) {
  console.error(messageOf(error))
  if (error instanceof CodedError && error.hint !== undefined) console.error(`  ${error.hint}`)
  process.exitCode = 2
}

async function bench(): Promise<number> {
  const { only, json } = readArguments()
  const where = machine()
  console.log(machineLine(where))
  const figures: Figure[] = []
  let broken = 0
  for (const name of only) {
    const startMs = performance.now()
    try {
      const part = await PARTS[name]?.()
      figures.push(...((await part?.run()) ?? []))
      console.log(`✔ ${name}, ${seconds(startMs)}`)
    } catch (error) {
      broken += 1
      console.log(`✘ ${name}, ${seconds(startMs)}: ${messageOf(firstOf(error))}`)
    }
  }
  console.log(`\n${table(figures)}`)
  if (json !== undefined) writeReport(json, figures, where)
  const short = figures.filter(fallsShort)
  for (const { name, value, atLeast } of short)
    console.log(`${name} is ${value.toFixed(3)}, at least ${atLeast} wanted`)
  return broken + short.length === 0 ? 0 : 1
}

/** What went wrong first, when tidying up after it went wrong as well. */
function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error
}

function readArguments(): { only: readonly string[]; json: string | undefined } {
  const { only, json } = parse()
  const chosen = only === undefined ? Object.keys(PARTS) : only.split(',').map(name => name.trim())
  const unknown = chosen.find(name => !Object.hasOwn(PARTS, name))
  if (unknown !== undefined) {
    throw new CodedError('BENCH_UNKNOWN_PART', `no part of the bench is called "${unknown}"`, {
      hint: `the parts are ${Object.keys(PARTS).join(', ')}`,
    })
  }
  return { only: chosen, json }
}

function parse(): { only?: string; json?: string } {
  try {
    return parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } }).values
  } catch (error) {
    throw new CodedError('BENCH_USAGE', messageOf(error), { hint: USAGE, cause: error })
  }
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createApi } from '../../src/api/api.ts'
import { loadConfig } from '../../src/config/config.ts'
import { DATABASE_FILE } from '../../src/daemon/daemon.ts'
import { type Clock, systemClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { openNode } from '../../src/node.ts'
import { FLAGS } from '../support/nodes.ts'
import { scratch } from '../support/storm.ts'

/**
 * The database of a daemon of the version before domains had tables of their own: it had bought energy, was delivered
 * and paid; had given a job to a neighbour, and cancelled one; and kept a collection. And what its API said of it then.
 */
const read = (name: string): Buffer =>
  gunzipSync(readFileSync(new URL(`../support/before/${name}.gz`, import.meta.url)))

interface Before {
  readonly seed: string
  readonly originMs: number
  /** When it was stopped. */
  readonly stoppedMs: number
  readonly question: string
  /** Answers by path. */
  readonly said: Readonly<Record<string, unknown>>
  readonly passages: readonly { readonly text: string; readonly score: number }[]
}

/** It comes back a minute later: nothing is too old yet. */
function clockFrom(atMs: number): Clock {
  const startMs = systemClock.now()
  return { now: () => atMs + 60_000 + systemClock.now() - startMs, sleep: systemClock.sleep }
}

test('a database of the version before opens, and every trade, entry, receipt, job and passage is there', async () => {
  using folder = scratch()
  const before = JSON.parse(read('said.json').toString()) as Before
  const home = folder.path('home')
  mkdirSync(home)
  writeFileSync(`${home}/${DATABASE_FILE}`, read(DATABASE_FILE))
  const config = loadConfig(
    home,
    {},
    {
      ...FLAGS,
      'market.slotMs': 900_000,
      'market.speed': 150,
      'market.originMs': before.originMs,
      'household.capacityWh': 2_000,
      'household.loadWh': 350,
    },
  )
  const view = { memoryBytes: () => 0, ownCpuMs: () => 0 }
  const clock = clockFrom(before.stoppedMs)
  const node = await openNode(config, Buffer.from(before.seed, 'base64'), silentLog, view, { clock })
  const api = createApi({ home, port: 0, pid: 1, served: node.served, ready: () => true, log: silentLog })
  await api.start()
  try {
    const { token } = JSON.parse(readFileSync(`${home}/api.json`, 'utf8')) as { token: string }
    const ask = async (path: string, body?: object): Promise<unknown> => {
      const response = await fetch(`http://127.0.0.1:${api.port()}${path}`, {
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return path.endsWith('/result') ? text : JSON.parse(text)
    }
    const remembers = async (paths: readonly string[]): Promise<void> => {
      // What is said beside it now is no loss.
      for (const path of paths) expect({ path, said: await ask(path) }).toMatchObject({ path, said: before.said[path] })
    }
    const paths = Object.keys(before.said)
    await remembers(paths)
    await node.start()
    // Life goes on: there are new slots in the house.
    await remembers(paths.filter(path => !/household|decisions/.test(path)))
    expect(await ask('/v1/ask', { question: before.question, local: true })).toMatchObject({
      passages: before.passages.map(({ text, score }) => ({ text, score: expect.closeTo(score, 5) })),
    })
  } finally {
    await api.stop()
    await node.stop()
  }
})

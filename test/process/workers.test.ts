import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import type { AnyKind } from '../../src/daemon/kind.ts'
import { chunk } from '../../src/domains/knowledge/kinds/chunk.ts'
import { embed } from '../../src/domains/knowledge/kinds/embed.ts'
import { kinds, kindsModule } from '../../src/domains/knowledge/kinds/kinds.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createPool, type Pool, type PoolOptions } from '../../src/threads/pool.ts'

/** Kinds that behave badly in each way a thread can; only `run` exists in the thread. */
const badModule = `
const runs = {
  echo: input => input,
  throws: () => { throw new RangeError('out of luck') },
  exits: () => process.exit(7),
  diesLater: () => { setTimeout(() => { throw new Error('nobody catches this') }); return new Promise(() => {}) },
  endless: () => { for (;;); },
  hungry: async () => { const all = []; for (;;) { all.push(new Array(20_000).fill(all.length)); await new Promise(setImmediate) } },
  deaf: () => new Promise(() => { setInterval(() => {}, 1000) }),
  patient: (_input, _params, { signal, progress }) => new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    progress(1, 2)
  }),
}
export const kinds = Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, { asks: {}, run: async (...all) => run(...all) }]))
`

const kind = (name: string): AnyKind => ({
  ...(chunk as AnyKind),
  name,
  asks: {},
  params: z.unknown(),
  input: z.unknown(),
  limits: { maxInputBytes: 1000, maxRunMs: () => 60_000, maxMemoryMb: 10 },
})
const badKinds = Object.fromEntries(
  ['echo', 'throws', 'exits', 'diesLater', 'endless', 'hungry', 'deaf', 'patient'].map(name => [name, kind(name)]),
)

let folder: string
let bad: Pick<PoolOptions, 'kinds'>
let workers: Pool
const made: Pool[] = []

function make(options: Partial<PoolOptions> = {}): Pool {
  const defaults = {
    kinds: [{ kinds, module: kindsModule }],
    threads: 1,
    niceIncrement: 10,
    maxMemoryMb: 64,
    idleTimeoutMs: 60_000,
    log: silentLog,
  }
  const created = createPool({ ...defaults, ...options })
  made.push(created)
  return created
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wattmesh-workers-'))
  const file = path.join(folder, 'bad-kinds.mjs')
  await writeFile(file, badModule)
  bad = { kinds: [{ kinds: badKinds, module: pathToFileURL(file) }] }
})
afterEach(async () => {
  await Promise.all(made.splice(0).map(one => one.stop()))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a task that misbehaves', () => {
  const echo = () => workers.run('echo', {}, 'still here')

  it.each([
    ['throws', 'throws', 'TASK_CRASHED', /out of luck/],
    ['ends the thread', 'exits', 'TASK_CRASHED', /exited with code: 7/],
    ['throws where nobody catches', 'diesLater', 'TASK_CRASHED', /nobody catches this/],
    ['takes all memory', 'hungry', 'TASK_OUT_OF_MEMORY', /memory/],
  ])('costs one thread at most when it %s, and the next runs', async (_what, name, code, message) => {
    workers = make(bad)
    const next = workers.run(name, {}, {}).catch((error: unknown) => error)
    await expect(echo()).resolves.toBe('still here')
    expect(await next).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(workers.stats()).toMatchObject({ running: 0, queued: 0, done: 1, failed: { [code]: 1 } })
  })

  it.each([
    ['computes for ever', 'endless'],
    ['waits for ever', 'deaf'],
  ])('is ended at its time limit when it %s, and the next runs', async (_what, name) => {
    workers = make(bad)
    const ended = workers.run(name, {}, {}, { timeoutMs: 50 }).catch((error: unknown) => error)
    await expect(echo()).resolves.toBe('still here')
    expect(await ended).toMatchObject({ code: 'TASK_TIMEOUT' })
  })

  it('does not take a neighbour down', async () => {
    workers = make({ ...bad, threads: 2 })
    const stop = new AbortController()
    const neighbour = workers.run('patient', {}, {}, { signal: stop.signal }).catch((error: unknown) => error)
    await expect(workers.run('exits', {}, {})).rejects.toMatchObject({ code: 'TASK_CRASHED' })
    expect(workers.stats().running).toBe(1)
    stop.abort()
    expect(await neighbour).toMatchObject({ code: 'TASK_CANCELLED' })
  })
})

describe('a cancelled task', () => {
  it('that listens keeps its thread', async () => {
    workers = make(bad)
    const stop = new AbortController()
    const onProgress = vi.fn(() => stop.abort())
    await expect(workers.run('patient', {}, {}, { signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: 'TASK_CANCELLED',
    })
    expect(onProgress).toHaveBeenCalledWith(1, 2)
    expect(workers.stats().threads).toBe(1)
  })

  it('that computes on loses its thread', async () => {
    workers = make(bad)
    // A thread that is up: one that is still starting would be left to start.
    await workers.run('echo', {}, 1)
    const stop = new AbortController()
    const run = workers.run('endless', {}, {}, { signal: stop.signal }).catch((error: unknown) => error)
    stop.abort()
    expect(await run).toMatchObject({ code: 'TASK_CANCELLED' })
    expect(workers.stats().threads).toBe(0)
  })

  it('leaves the queue when it had not begun', async () => {
    workers = make(bad)
    const [first, second] = [new AbortController(), new AbortController()]
    const running = workers.run('patient', {}, {}, { signal: first.signal }).catch((error: unknown) => error)
    const queued = workers.run('patient', {}, {}, { signal: second.signal }).catch((error: unknown) => error)
    expect(workers.stats()).toMatchObject({ running: 1, queued: 1 })
    second.abort()
    expect(await queued).toMatchObject({ code: 'TASK_CANCELLED' })
    expect(workers.stats()).toMatchObject({ running: 1, queued: 0 })
    first.abort()
    await running
    expect(workers.stats()).toMatchObject({ running: 0, queued: 0 })
  })
})

describe('the pool', () => {
  it('refuses what its kind does not accept, an unknown kind and a full queue, and starts no thread for them', async () => {
    workers = make({ maxQueued: 0 })
    await expect(workers.run('juggle', {}, {})).rejects.toMatchObject({ code: 'TASK_KIND_UNKNOWN' })
    await expect(workers.run('toString', {}, {})).rejects.toMatchObject({ code: 'TASK_KIND_UNKNOWN' })
    await expect(workers.run('chunk', {}, { text: '', offset: 0 })).rejects.toMatchObject({ code: 'TASK_BAD_INPUT' })
    await expect(workers.run('chunk', {}, { text: '\ud800', offset: 0 })).rejects.toMatchObject({
      code: 'TASK_BAD_INPUT',
    })
    expect(workers.stats().threads).toBe(0)
    const first = workers.run('chunk', {}, { text: 'one', offset: 0 })
    await expect(workers.run('chunk', {}, { text: 'two', offset: 0 })).rejects.toMatchObject({
      code: 'TASK_QUEUE_FULL',
    })
    await first
  })

  it('fails what runs and what waits when it stops, and takes nothing after', async () => {
    workers = make(bad)
    const runs = ['endless', 'echo'].map(name => workers.run(name, {}, {}).catch((error: unknown) => error))
    await workers.stop()
    expect(await Promise.all(runs)).toMatchObject([{ code: 'TASK_CANCELLED' }, { code: 'TASK_CANCELLED' }])
    await expect(workers.run('echo', {}, 1)).rejects.toMatchObject({ code: 'TASK_CANCELLED' })
  })

  it('reports a worker that cannot load its kinds, instead of waiting for it', async () => {
    workers = make({ kinds: [{ kinds, module: pathToFileURL(path.join(folder, 'missing.mjs')) }] })
    await expect(workers.run('chunk', {}, { text: 'one', offset: 0 })).rejects.toMatchObject({ code: 'TASK_CRASHED' })
  })

  it('lets threads without work end', async () => {
    workers = make({ idleTimeoutMs: 10 })
    await workers.run('chunk', {}, { text: 'one', offset: 0 })
    await vi.waitFor(() => expect(workers.stats().threads).toBe(0), { timeout: 10_000 })
  })
})

describe('the real kinds', () => {
  const document = { name: 'document', text: 'A neighbour sells energy. Another buys it at night.\n\n'.repeat(1200) }

  it('chunk a document in threads, in parts whose results fit together', async () => {
    workers = make({ threads: 2 })
    const params = chunk.params.parse({})
    const parts = await Promise.all(
      Array.from(chunk.split(document, params)).map(async input => {
        const output = chunk.output.parse(await workers.run('chunk', params, input))
        return { input, output }
      }),
    )
    expect(parts.length).toBeGreaterThan(2)
    for (const part of parts) expect(chunk.verify(part, params)).toBeUndefined()
    expect(chunk.merge(parts).chunks.at(-1)?.end).toBe(document.text.length)
  })

  it('merge in a thread to the text that the main thread would have made', async () => {
    workers = make()
    const params = chunk.params.parse({})
    const parts = await Promise.all(
      Array.from(chunk.split(document, params)).map(async input => {
        const output = chunk.output.parse(await workers.run('chunk', params, input))
        return { input, output }
      }),
    )
    const texts = parts.map(({ input, output }) => ({
      input: JSON.stringify([input]),
      output: JSON.stringify([output]),
    }))
    expect(JSON.parse(await workers.merge('chunk', texts))).toEqual(chunk.merge(parts))
    await expect(workers.merge('chunk', texts.slice(1))).rejects.toMatchObject({ code: 'TASK_PARTS_INCOMPLETE' })
    await expect(workers.merge('juggle', texts)).rejects.toMatchObject({ code: 'TASK_KIND_UNKNOWN' })
  })

  it('embed with the model that the warm thread said it has, and tell their progress', async () => {
    workers = make()
    const { fingerprint, engine } = await workers.warm()
    expect(engine).toMatch(/onnxruntime/)
    const params = embed.params.parse({ fingerprint })
    const input = { text: document.text.slice(0, 2000), offset: 0 }
    const onProgress = vi.fn()
    const output = embed.output.parse(await workers.run('embed', params, input, { onProgress }))
    expect(embed.verify({ input, output }, params)).toBeUndefined()
    expect(onProgress).toHaveBeenLastCalledWith(output.chunks.length, output.chunks.length)
    await expect(workers.run('embed', { fingerprint: '0'.repeat(64) }, input)).rejects.toMatchObject({
      code: 'TASK_MODEL_MISMATCH',
    })
  }, 60_000)

  it('stop embedding soon after being cancelled, with the model kept', async () => {
    workers = make()
    const stop = new AbortController()
    const input = { text: document.text.slice(0, 12_000), offset: 0 }
    const run = workers.run('embed', {}, input, { signal: stop.signal, onProgress: () => stop.abort() })
    await expect(run).rejects.toMatchObject({ code: 'TASK_CANCELLED' })
    expect(workers.stats().threads).toBe(1)
  }, 60_000)
})

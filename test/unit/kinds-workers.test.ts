import { afterAll, describe, expect, it } from 'vitest'
import { kinds, kindsModule } from '../../src/domains/knowledge/kinds/kinds.ts'
import type { PipelineOutput } from '../../src/domains/knowledge/kinds/pipeline.ts'
import type { SearchOutput } from '../../src/domains/knowledge/kinds/search.ts'
import type { SummarizeOutput } from '../../src/domains/knowledge/kinds/summarize.ts'
import { createRunner } from '../../src/domains/tasks/runner.ts'
import type { Work } from '../../src/domains/tasks/task.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createPool } from '../../src/threads/pool.ts'

const workers = createPool({
  kinds: [{ kinds, module: kindsModule }],
  threads: 1,
  niceIncrement: 10,
  maxMemoryMb: 512,
  idleTimeoutMs: 30_000,
  log: silentLog,
})
afterAll(() => workers.stop())

const text = 'A neighbour sells solar energy to the house next door. The house next door stores solar energy.\n'

describe('in a worker thread', { timeout: 60_000 }, () => {
  it('every kind does its part', async () => {
    const summary = (await workers.run('summarize', { terms: 3, sentences: 1 }, { text, offset: 0 })) as SummarizeOutput
    expect(summary.terms.map(({ form }) => form)).toContain('solar energy')
    const shard = {
      first: 0,
      passages: [
        { id: 'a', text },
        { id: 'b', text: 'Cake.' },
      ],
    }
    const found = (await workers.run('search', { query: 'solar', top: 1 }, shard)) as SearchOutput
    expect(found.hits.map(({ id }) => id)).toEqual(['a'])
    const rows = (await workers.run('pipeline', { maxTokens: 110 }, { text, offset: 0 })) as PipelineOutput
    expect(rows.chunks).toHaveLength(1)
  })

  it.each([
    ['search', { query: 'solar' }, { first: 0, passages: [] }],
    ['search', { query: 'solar', vector: 'AAAA' }, { first: 0, passages: [{ id: 'a', text }] }],
    ['summarize', { terms: 1_000 }, { text, offset: 0 }],
    ['summarize', {}, { text: '\ud800', offset: 0 }],
    ['pipeline', {}, { text: 'x'.repeat(20_000), offset: 0 }],
  ])('%s refuses %j with %j before a thread sees it', async (kind, params, input) => {
    await expect(workers.run(kind, params, input)).rejects.toMatchObject({ code: 'TASK_BAD_INPUT' })
  })

  it('what the owner asks for waits for the part of a stranger that runs, and not for those on the desk', async () => {
    const name = (n: number) => ({ taskId: `part ${n}`, leaseEpoch: 1, submitter: 'stranger' }) as Work
    const open = Array.from({ length: 4 }, (_, n) => name(n))
    const done: string[] = []
    const ended = Promise.withResolvers<void>()
    const runner = createRunner({
      self: 'me' as PeerId,
      openWork: () => open,
      alive: () => undefined,
      leave: async () => undefined,
      run: (_work, how) => workers.run('summarize', {}, { text: text.repeat(20), offset: 0 }, how),
      async worked(results) {
        for (const { taskId } of results) {
          done.push(taskId)
          open.splice(
            open.findIndex(work => work.taskId === taskId),
            1,
          )
        }
        if (open.length === 0) ended.resolve()
      },
      threads: { own: () => 4, others: () => 4, queued: () => 0, free: () => workers.stats().free },
      heartbeatMs: 10_000,
      clock: systemClock,
      log: silentLog,
    })
    await runner.start?.()
    expect(workers.stats()).toMatchObject({ running: 1, queued: 0, free: 0 })
    await workers.run('summarize', {}, { text, offset: 0 })
    expect(done.length).toBeLessThanOrEqual(1)
    runner.wake()
    await ended.promise
    expect(done).toEqual(['part 0', 'part 1', 'part 2', 'part 3'])
    await runner.stop?.()
  })

  it('a part that is cancelled or out of time costs nothing but itself', async () => {
    const worst = { text: 'ab cd. '.repeat(7_000), offset: 0 }
    await expect(workers.run('summarize', {}, worst, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'TASK_TIMEOUT' })
    const cancel = new AbortController()
    const cancelled = workers.run('summarize', {}, worst, { signal: cancel.signal })
    cancel.abort()
    await expect(cancelled).rejects.toMatchObject({ code: 'TASK_CANCELLED' })
    expect(await workers.run('summarize', {}, { text, offset: 0 })).toMatchObject({ terms: expect.any(Array) })
  })
})

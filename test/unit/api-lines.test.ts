import { expect, test } from 'vitest'
import { createApi } from '../../src/api/api.ts'
import { openClient } from '../../src/api/client.ts'
import { JsonLines } from '../../src/daemon/command.ts'
import { tasksCommands } from '../../src/domains/tasks/commands.ts'
import { CodedError } from '../../src/kernel/errors.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { scratch } from '../support/storm.ts'

/** Everything that comes before the end, and what ended it. */
async function readUntilThrown(lines: AsyncIterable<unknown>): Promise<{ read: unknown[]; thrown: unknown }> {
  const read: unknown[] = []
  try {
    for await (const line of lines) read.push(line)
  } catch (thrown) {
    return { read, thrown }
  }
  return { read, thrown: undefined }
}

test.each([
  [
    'a reason of ours',
    new CodedError('TASK_UNKNOWN', 'a part of the result is gone', { hint: 'submit it again' }),
    { code: 'TASK_UNKNOWN', message: 'a part of the result is gone', hint: 'submit it again' },
  ],
  ['a bug', new Error('oh'), { code: 'API_INTERNAL', message: 'the daemon failed: oh' }],
])('a result that breaks off is told to its reader with the reason: %s', async (_, thrown, told) => {
  using folder = scratch()
  async function* result() {
    yield new JsonLines('{"document":"a","index":0}\n{"document":"a","index":1}\n')
    throw thrown
  }
  const logged: unknown[] = []
  const log = { ...silentLog, error: (what: unknown) => void logged.push(what) }
  const { result: command } = tasksCommands
  const table = { result: command }
  const served = [{ name: 'tasks', commands: table, run: { result } }]
  const api = createApi({ home: folder.path('.'), port: 0, pid: 1, served, ready: () => true, log })
  await api.start()
  try {
    const found = await readUntilThrown(openClient(folder.path('.')).of(table).result({ id: 'j' }))
    expect(found.read).toHaveLength(2)
    expect(found.thrown).toMatchObject(told)
    expect(logged).toMatchObject([{ code: told.code }])
  } finally {
    await api.stop()
  }
})

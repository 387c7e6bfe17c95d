import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createApi } from '../../src/api/api.ts'
import { openClient } from '../../src/api/client.ts'
import { daemonCommands } from '../../src/daemon/commands.ts'
import { DATABASE_FILE } from '../../src/daemon/daemon.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Surroundings } from '../../src/node.ts'
import { greetingsCommands } from '../support/greetings/commands.ts'
import { greetingsDomain } from '../support/greetings/greetings.ts'
import { eventually } from '../support/network-hosts.ts'
import { meet, type TestNode, testNodes } from '../support/nodes.ts'

const friendly: Surroundings = { more: node => node.add(greetingsDomain, {}) }

/** The local API in front of a node, asked as a program would. */
async function openDoor({ home, served }: TestNode) {
  const api = createApi({ home, port: 0, pid: process.pid, served, ready: () => true, log: silentLog })
  await api.start()
  const { token } = JSON.parse(readFileSync(join(home, 'api.json'), 'utf8')) as { token: string }
  return {
    client: openClient(home),
    async get(path: string): Promise<unknown> {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`http://127.0.0.1:${api.port()}${path}`, { headers })).json()
    },
    [Symbol.asyncDispose]: () => api.stop(),
  }
}

test('a domain of one folder and one line has everything a domain has', async () => {
  await using nodes = testNodes()
  const ada = await nodes.start('ada', { roles: ['compute'] }, friendly)
  const bo = await nodes.start('bo', { roles: ['compute'] }, friendly)
  await using door = await openDoor(bo)
  await meet(ada, bo)

  const listening = new AbortController()
  const told = door.client.of(daemonCommands).events({ event: 'greeting.*' }, { signal: listening.signal })
  expect(await told.next()).toMatchObject({ value: { cursor: expect.any(String) } })

  // A command sends a message; its fact is kept, and told.
  await ada.client.of(greetingsCommands).greet({ peer: bo.peerId, words: 'good morning, Bo' })
  expect((await told.next()).value).toMatchObject({
    domain: 'greetings',
    event: 'greeting.heard',
    data: { peer: ada.peerId, words: 'good morning, Bo' },
  })
  listening.abort()

  // A round with a slow plan counts the letters.
  const greetings = door.client.of(greetingsCommands)
  await eventually('the letters are counted', async () => (await greetings.greetings())[0]?.letters === 13)
  const [greeting] = await greetings.greetings()
  expect(await door.get(`/v1/greetings/${greeting?.id}`)).toEqual(greeting)
  await expect(greetings.greeting({ id: 'none' })).rejects.toMatchObject({ code: 'API_NOT_FOUND' })
  expect(await door.get('/v1/openapi.json')).toMatchObject({
    paths: {
      '/v1/greetings': { post: { operationId: 'greetings.greet', 'x-scope': 'control' } },
      '/v1/greetings/{id}': { get: { summary: 'One greeting.' } },
    },
  })

  // Its section of the advert reaches others, beside the kinds of others.
  await eventually('Ada knows what Bo says of greetings', async () => {
    const row = (await ada.peers.peers()).find(({ peer }) => peer === bo.peerId)
    return row?.kinds?.includes('greetings@1') && row.kinds.includes('chunk@1')
  })

  // Its kind of work is done by a neighbour.
  const job = await ada.tasks.submit({
    kind: 'greet',
    privacy: 'public',
    inputs: [
      { name: 'first', input: 'Cleo' },
      { name: 'second', input: 'Dov' },
    ],
  })
  await eventually('the job is done', async () => (await ada.tasks.progress({ id: job.id })).state === 'done')
  const results: unknown[] = []
  for await (const line of ada.tasks.result({ id: job.id })) results.push(line)
  expect(results).toEqual([
    expect.objectContaining({ result: 'hello Cleo' }),
    expect.objectContaining({ result: 'hello Dov' }),
  ])

  // Its table has a version of its own, and outlives the daemon.
  await nodes.stop(bo)
  const db = new DatabaseSync(join(bo.home, DATABASE_FILE), { readOnly: true })
  expect(db.prepare('SELECT version FROM domain_versions WHERE name = ?').get('greetings')).toEqual({ version: 2 })
  db.close()
  const again = await nodes.start('bo', { roles: ['compute'] }, friendly)
  expect(await again.client.of(greetingsCommands).greetings()).toEqual([greeting])
})

import { expect, test } from 'vitest'
import { serve } from '../../src/daemon/served.ts'
import { kinds } from '../../src/domains/knowledge/kinds/kinds.ts'
import { tasksCommands } from '../../src/domains/tasks/commands.ts'
import { tasksDomain } from '../../src/domains/tasks/tasks.ts'
import { checkedClient } from '../support/checked-client.ts'
import { idleNeeds } from '../support/idle-needs.ts'
import { FINGERPRINT } from '../support/knowledge-shelf.ts'
import { openDomain } from '../support/open-domain.ts'

test('what is asked for again under its key needs no model, whatever became of the model since', async () => {
  let models: string[] | undefined = [FINGERPRINT]
  const { run, peer } = await openDomain(
    tasksDomain,
    idleNeeds({
      kinds,
      model: {
        async learn() {
          if (models === undefined) throw new Error('the model does not open')
        },
        used: () => true,
        fingerprints: () => models,
        engines: () => [],
      },
    }),
  )
  using _ = peer
  const { submit } = checkedClient([serve('tasks', tasksCommands, run)]).of(tasksCommands)
  const documents = [{ name: 'd', text: 'a text' }]
  const request = { kind: 'embed', params: { maxTokens: 110 }, documents, privacy: 'public', key: 'k' } as const
  const { id } = await submit(request)
  models = undefined
  expect((await submit(request)).id).toBe(id)
  await expect(submit({ ...request, key: 'another' })).rejects.toThrow('does not open')
  await expect(submit({ ...request, priority: 1 })).rejects.toMatchObject({ code: 'TASK_KEY_REUSED' })
})

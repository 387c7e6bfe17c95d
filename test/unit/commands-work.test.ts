import { expect, test } from 'vitest'
import type { CommandDeps } from '../../src/commands/deps.ts'
import { workCommands } from '../../src/commands/work.ts'
import { embed } from '../../src/domains/tasks/kinds/embed.ts'
import { FINGERPRINT } from '../support/knowledge-shelf.ts'
import { createOffice } from '../support/two-desks.ts'

test('what is asked for again under its key needs no model, whatever became of the model since', async () => {
  const desk = createOffice()
  let models: string[] | undefined = [FINGERPRINT]
  const boss = desk.createPeer('boss', 0, {
    kinds: { embed },
    memoryMb: 1_024,
    models: () => models,
  })
  const deps = {
    storage: { tasks: boss.store },
    tasks: boss.tasks,
    commit: async (decide: () => never) => {
      const decided = decide()
      desk.keep(boss, decided)
      return decided
    },
    async learnModel() {
      if (models === undefined) throw new Error('the model does not open')
    },
  } as unknown as CommandDeps
  const { submit } = workCommands(deps)
  const documents = [{ name: 'd', text: 'a text' }]
  const request = { kind: 'embed', params: { maxTokens: 110 }, documents, privacy: 'public', key: 'k' } as const
  const { id } = await submit(request)
  models = undefined
  expect((await submit(request)).id).toBe(id)
  await expect(submit({ ...request, key: 'another' })).rejects.toThrow('does not open')
  await expect(submit({ ...request, priority: 1 })).rejects.toMatchObject({ code: 'TASK_KEY_REUSED' })
})

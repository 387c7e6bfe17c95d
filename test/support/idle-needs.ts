import { expect } from 'vitest'
import type { TasksNeeds, TaskThreads } from '../../src/domains/tasks/context.ts'

const NO_MODEL: TaskThreads['model'] = {
  learn: async () => undefined,
  used: () => true,
  fingerprints: () => [],
  engines: () => [],
}

/** What the domain of tasks is given at a machine on which nothing runs. */
export function idleNeeds({
  kinds = {},
  model = NO_MODEL,
  manners = {},
}: {
  readonly kinds?: TasksNeeds['kinds']
  readonly model?: TaskThreads['model']
  readonly manners?: Partial<TasksNeeds['manners']>
}): TasksNeeds {
  return {
    kinds,
    threads: {
      run: () => expect.fail('nothing is done'),
      merge: () => expect.fail('nothing is merged'),
      stats: () => ({ free: 0, queued: 0 }),
      model,
    },
    manners: {
      threads: () => 0,
      asked: () => undefined,
      availability: () => 'open',
      giveBackAt: () => undefined,
      holds: () => undefined,
      ...manners,
    },
    workers: () => [],
    powerSource: () => 'unknown',
    said: output => output,
    post: () => undefined,
    undelivered: () => [],
    stepBack: () => undefined,
  }
}

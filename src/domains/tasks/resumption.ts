import { messageOf } from '../../kernel/errors.ts'
import type { Part } from '../../kernel/lifecycle.ts'
import type { Log } from '../../kernel/log.ts'
import type { Commit } from '../../kernel/outcome.ts'
import { type Submission, takeIn } from './queue/submission.ts'
import type { TaskFact } from './task.ts'
import type { TaskFlows } from './task-flows.ts'

export interface ResumptionDeps {
  readonly tasks: Pick<TaskFlows, 'unopened'>
  readonly commit: Commit<TaskFact>
  readonly log: Log
}

/**
 * Takes in what a former life had begun to, one job after the other, beside everything else: large texts take seconds.
 * What a stop interrupts, the next start goes on with.
 */
export function createResumption({
  tasks,
  commit,
  log,
}: ResumptionDeps): Part & Required<Pick<Part, 'start' | 'stop'>> {
  const stopping = new AbortController()
  const { signal } = stopping
  let going = Promise.resolve()

  /** After a stop nothing is kept, nor that it could not be. */
  const commitOrStop: Commit<TaskFact> = decide =>
    commit(() => {
      signal.throwIfAborted()
      return decide()
    })

  async function goOn(unopened: readonly Submission[]): Promise<void> {
    for (const submission of unopened) {
      try {
        await takeIn(() => submission, commitOrStop)
      } catch (error) {
        if (signal.aborted) return
        log.warn({ job: submission.jobId, reason: messageOf(error) }, 'a job could not be taken in')
      }
    }
  }

  return {
    name: 'resumption',
    start() {
      going = goOn(tasks.unopened())
    },
    stop() {
      stopping.abort()
      return going
    },
  }
}

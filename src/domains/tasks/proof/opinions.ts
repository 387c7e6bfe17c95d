import type { Json } from '../../../kernel/outcome.ts'
import type { QueueDeps } from '../queue/deps.ts'
import type { Sheet } from '../queue/sheet.ts'
import type { Job, Opinion, Task } from '../task.ts'
import { groupsOf, type Judgement, judge, type Voice } from './judgement.ts'
import { checkChance, isTrusted } from './reputation.ts'

type Own = Pick<QueueDeps, 'self' | 'kinds' | 'random' | 'ownLacks' | 'now'>

/** What follows from all that was said of a task. */
export function verdictOn(own: Own, sheet: Sheet, job: Job, task: Task): Judgement {
  const voices = task.opinions.map(opinion => voiceOf(sheet, job, opinion, own))
  const [lone] = voices
  if (job.verify === 'none' && lone !== undefined) return { accept: lone, confirmed: false, right: [], wrong: [] }
  const answers = new Map<number, unknown>()
  const answer = ({ epoch }: Voice): unknown => {
    if (!answers.has(epoch)) answers.set(epoch, (JSON.parse(sheet.output(task.id, epoch) ?? '[]') as Json[])[0])
    return answers.get(epoch)
  }
  const kind = own.kinds[job.kind]
  const groups = groupsOf(voices, (a, b) => kind?.agrees(answer(a), answer(b)) === true)
  const ownCannot = task.ownCannot === true || own.ownLacks(job.needs) !== undefined
  return judge(groups, { random: own.random(), ownCannot })
}

function voiceOf(sheet: Sheet, job: Job, { worker, epoch }: Opinion, { self, now }: Own): Voice {
  const reputation = sheet.reputation(worker, job)
  return {
    worker,
    epoch,
    own: worker === self,
    trusted: isTrusted(reputation, now()),
    checkChance: checkChance(reputation, now()),
  }
}

import { describe, expect, test } from 'vitest'
import { validateMessage } from '../../src/domains/trading/beckn/rules/validate.ts'
import { ALL_ACTIONS, becknMessage } from '../support/beckn-messages.ts'
import { mutants } from '../support/mutants.ts'
import { BECKN_ABSENT, becknExamples, becknJudges, type Judge } from '../support/official-beckn.ts'

const REASON = BECKN_ABSENT ? ' (skipped: the official schemas and examples are not at hand)' : ''

/** One of each shape; the other actions carry the same contract. */
const SHAPES = ALL_ACTIONS.filter(action =>
  ['discover', 'catalog/publish', 'catalog/on_publish', 'catalog/pull', 'cancel', 'rate', 'support'].includes(action),
)

/** Mutants that are wrong by an edition that allows the original, and what we let pass of them. */
function compare(judges: readonly Judge[], message: object, kinds: readonly string[]) {
  const competent = judges.filter(judge => judge(message).length === 0)
  expect(competent, 'the original is valid by an edition').not.toEqual([])
  const missed: string[] = []
  let wrong = 0
  for (const mutant of mutants(message)) {
    if (!kinds.includes(mutant.kind)) continue
    const said = competent.flatMap(judge => judge(mutant.message))
    if (said.length === 0) continue
    wrong++
    const verdict = validateMessage(mutant.message)
    if (verdict.ok || !/^(CTX|SCH|POL)_/.test(verdict.code)) missed.push(`${mutant.what}: ${said[0]}`)
  }
  return { missed, wrong }
}

describe.skipIf(BECKN_ABSENT)(`held against the official schemas${REASON}`, () => {
  test.each(becknExamples())('$name is accepted', ({ message }) => {
    expect(validateMessage(message)).toMatchObject({ ok: true, notes: [] })
  })

  test('every mutant of an example that is officially invalid is refused', () => {
    const judges = becknJudges()
    const kinds = ['removed', 'corrupted', 'emptied', 'retyped', 'widened']
    let wrong = 0
    for (const { name, message } of becknExamples()) {
      const compared = compare(judges, message, kinds)
      expect(compared.missed, name).toEqual([])
      wrong += compared.wrong
    }
    expect(wrong).toBeGreaterThan(5_000)
  })

  test('every mutant of a message with all its fields that is officially invalid is refused', {
    timeout: 60_000,
  }, () => {
    const judges = becknJudges()
    let wrong = 0
    for (const action of SHAPES) {
      const compared = compare(judges, becknMessage(action), ['removed', 'corrupted', 'emptied', 'widened'])
      expect(compared.missed, action).toEqual([])
      wrong += compared.wrong
    }
    expect(wrong).toBeGreaterThan(1_000)
  })
})

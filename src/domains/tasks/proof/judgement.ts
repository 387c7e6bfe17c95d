import type { PeerId } from '../../../kernel/ids.ts'
import type { Doubt } from '../task.ts'

/** An opinion with what its maker's word is worth. */
export interface Voice {
  readonly worker: PeerId
  readonly epoch: number
  /** The submitter computed it itself: the answer is known. */
  readonly own: boolean
  readonly trusted: boolean
  /** How likely a lone result of this peer is checked by another. */
  readonly checkChance: number
}

export type Judgement =
  | {
      readonly accept: Voice
      /** Whether anybody bore it out. */
      readonly confirmed: boolean
      readonly right: readonly PeerId[]
      readonly wrong: readonly PeerId[]
    }
  | { readonly doubt: Doubt }

/** Of results that pass unchecked otherwise, the share that the submitter computes itself. */
export const CANARY_SHARE = 0.05

export interface Circumstances {
  /** A number in [0, 1). */
  readonly random: number
  /** This machine lacks what the work needs: then peers alone must do. */
  readonly ownCannot: boolean
}

/**
 * What follows from the opinions there are. Two strangers who agree prove nothing (they may be one liar with two names),
 * so a result is borne out only by a peer with a record or by the submitter's own machine; where they differ the
 * submitter's machine decides. Where it cannot, most voices do, two at least.
 * @param groups opinions that agree with each other, by the kind's own rule
 */
export function judge(groups: readonly (readonly Voice[])[], { random, ownCannot }: Circumstances): Judgement {
  const known = groups.find(group => group.some(voice => voice.own))
  if (known !== undefined) return accepted(known, groups)
  const [first = [], ...others] = groups
  const [lone, second] = first
  if (lone !== undefined && second === undefined && others.length === 0) return alone(lone, { random, ownCannot })
  if (ownCannot) return mostVoices(groups)
  if (others.length > 0) return { doubt: { ask: 'own', because: 'disagreement' } }
  return first.some(voice => voice.trusted) ? accepted(first, groups) : { doubt: { ask: 'own', because: 'new' } }
}

function alone(voice: Voice, { random, ownCannot }: Circumstances): Judgement {
  if (!voice.trusted) return { doubt: { ask: 'peer', because: 'new' } }
  if (random < voice.checkChance) return { doubt: { ask: 'peer', because: 'sampled' } }
  if (!ownCannot && random < voice.checkChance + CANARY_SHARE) return { doubt: { ask: 'own', because: 'sampled' } }
  return { accept: voice, confirmed: false, right: [], wrong: [] }
}

function mostVoices(groups: readonly (readonly Voice[])[]): Judgement {
  const [most = [], next = []] = groups.toSorted((a, b) => b.length - a.length)
  const decided = most.length >= 2 && most.length > next.length
  return decided ? accepted(most, groups) : { doubt: { ask: 'peer', because: 'disagreement' } }
}

function accepted(group: readonly Voice[], groups: readonly (readonly Voice[])[]): Judgement {
  const accept = group.find(voice => voice.own) ?? group[0]
  if (accept === undefined) return { doubt: { ask: 'own', because: 'disagreement' } }
  const strangers = (voices: readonly Voice[]): PeerId[] => voices.filter(({ own }) => !own).map(({ worker }) => worker)
  const wrong = groups.filter(other => other !== group).flatMap(strangers)
  return { accept, confirmed: true, right: strangers(group), wrong }
}

/** Opinions grouped by agreement with the first of each group. */
export function groupsOf<T>(items: readonly T[], agrees: (a: T, b: T) => boolean): T[][] {
  const groups: T[][] = []
  for (const item of items) {
    const group = groups.find(([first]) => first !== undefined && agrees(first, item))
    if (group === undefined) groups.push([item])
    else group.push(item)
  }
  return groups
}

import type { SourceDocument } from './work.ts'

/** Characters of a text: a few sentences, so that a task costs little and its way through the network most. */
const ABOUT = 400
const LEAST = 80
const MOST = 2_000

/**
 * So many different small texts, each one task: stretches of real READMEs in order, whole lines. When there are not
 * enough, they come again under a line with their round, for equal texts would be equal work.
 */
export function smallTexts(readmes: readonly SourceDocument[], count: number): SourceDocument[] {
  const stretches = readmes.flatMap(stretchesOf)
  if (stretches.length === 0) return []
  return Array.from({ length: count }, (_, number) => {
    const round = Math.floor(number / stretches.length)
    const { name, text } = stretches[number % stretches.length] as SourceDocument
    return round === 0 ? { name, text } : { name: `${name}, round ${round}`, text: `Round ${round}.\n\n${text}` }
  })
}

function stretchesOf({ name, text }: SourceDocument): SourceDocument[] {
  const stretches: string[] = []
  let open = ''
  for (const line of text.split(/(?<=\n)/)) {
    open += line
    if (open.length < ABOUT) continue
    stretches.push(open)
    open = ''
  }
  return [...stretches, open]
    .filter(one => one.trim().length >= LEAST && one.length <= MOST)
    .map((one, place) => ({ name: `${name}#${place}`, text: one }))
}

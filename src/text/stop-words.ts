/** Words of English that say nothing about what a text is about: an index leaves them out, and questions. */
export const commonWords: ReadonlySet<string> = wordsIn(
  `a about above after again all also am an and any are as at be because been before being below between both but by
  can cannot could did do does doing down during each few for from further had has have having he her here hers him
  his how i if in into is it its just may me might more most must my no nor not now of off on once only or other our
  ours out over own same shall she should so some such than that the their them then there these they this those
  through to too under until up upon us very was we were what when where which while who whom why will with would you
  your yours`,
)

/** Words that carry no subject by themselves, in English; of other languages' frequent words their frequency tells. */
export const stopWords: ReadonlySet<string> = new Set([
  ...commonWords,
  ...wordsIn(
    `against either else ever hence herself himself however itself last least less let like made make many much myself
  neither often one ourselves per perhaps quite rather said say says see several since still theirs themselves
  therefore though thus together two use used using well whatever whether whose within without yet yourself yourselves
  ain aren couldn didn doesn don hadn hasn haven isn mustn shan shouldn wasn weren won wouldn`,
  ),
])

function wordsIn(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/))
}

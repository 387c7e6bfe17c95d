/** Words that carry no subject by themselves, in English; of other languages' frequent words their frequency tells. */
export const stopWords: ReadonlySet<string> = new Set(
  `a about above after again against all also am an and any are as at be because been before being below between both
  but by can cannot could did do does doing down during each either else ever few for from further had has have having
  he hence her here hers herself him himself his how however i if in into is it its itself just last least less let
  like made make many may me might more most much must my myself neither no nor not now of off often on once one only
  or other our ours ourselves out over own per perhaps quite rather said same say says see several shall she should
  since so some still such than that the their theirs them themselves then there therefore these they this those
  though through thus to together too two under until up upon us use used using very was we well were what whatever
  when where whether which while who whom whose why will with within without would yet you your yours yourself
  yourselves ain aren couldn didn doesn don hadn hasn haven isn mustn shan shouldn wasn weren won wouldn`.split(/\s+/),
)

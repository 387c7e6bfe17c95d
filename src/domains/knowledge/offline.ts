/** What knowledge does with texts of this machine without a daemon: rank, measure, cut. */
export { createEncoder } from './encoder.ts'
export { type Evaluation, evaluate } from './eval/evaluate.ts'
export { parseJudgements, parseSmart } from './eval/smart.ts'
export { type ChunkOutput, chunk, digestOf } from './kinds/chunk.ts'
export { kinds, kindsModule } from './kinds/kinds.ts'

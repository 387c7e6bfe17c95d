import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createEncoder } from '../../src/domains/knowledge/encoder.ts'
import { evaluate } from '../../src/domains/knowledge/eval/evaluate.ts'
import { average, measure } from '../../src/domains/knowledge/eval/measures.ts'
import { parseJudgements, parseSmart, textOf } from '../../src/domains/knowledge/eval/smart.ts'
import { kinds, kindsModule } from '../../src/domains/knowledge/kinds/kinds.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createPool } from '../../src/threads/pool.ts'
import { fakeEncode } from '../support/knowledge-shelf.ts'

const MED = new URL('../../../shared/data/retrieval/med/', import.meta.url)
const DOCUMENTS = `.I 1
.T
heat pumps
.A
somebody
.W
heat pumps
warm a house .
.I 2
.T
roofs
.W
solar cells lie on it .
.I 3
.W
`

describe('SMART files', () => {
  it('are read entry by entry, and a title that begins the text is not said twice', () => {
    const entries = parseSmart(DOCUMENTS, 'docs')
    expect(entries.map(({ id }) => id)).toEqual(['1', '2', '3'])
    expect(entries.map(textOf)).toEqual(['heat pumps\nwarm a house .', 'roofs\n\nsolar cells lie on it .', ''])
  })

  it('and judgements say in which line they are wrong', () => {
    expect(() => parseSmart('no entries', 'docs')).toThrow('docs, line 1')
    expect(() => parseJudgements('1 0 2 1\n1 0 2', 'qrels')).toThrow('qrels, line 2')
  })
})

describe('the measures', () => {
  it('are those of trec_eval', () => {
    const relevant = new Map([
      ['a', 1],
      ['b', 1],
    ])
    const { ndcg10, recall10 } = measure(['x', 'a', 'y'], relevant)
    expect(ndcg10).toBeCloseTo(1 / Math.log2(3) / (1 + 1 / Math.log2(3)), 9)
    expect(recall10).toBe(0.5)
    expect(average([measure(['a', 'b'], relevant), measure([], relevant)])).toEqual({ ndcg10: 0.5, recall10: 0.5 })
  })
})

describe('an evaluation', () => {
  const trial = {
    documents: parseSmart(DOCUMENTS, 'docs'),
    queries: parseSmart('.I 7\n.W\nwarm house\n.I 9\n.W\nsolar roof\n', 'queries'),
    judgements: parseJudgements('1 0 1 1\n2 0 2 1\n2 0 1 0\n', 'qrels'),
    positions: true,
    shards: 2,
  }
  const deps = { encode: fakeEncode(), width: 2, signal: new AbortController().signal, progress: () => undefined }

  it('ranks documents by their passages, on one index and over shards', async () => {
    const perfect = { ndcg10: 1, recall10: 1 }
    expect(await evaluate(trial, deps)).toEqual({
      ...perfect,
      bm25Ndcg10: 1,
      bm25Recall10: 1,
      sharded: { shards: 2, ...perfect },
      documents: 2,
      queries: 2,
    })
  })

  it('says so when no judgement belongs to a query', async () => {
    await expect(evaluate({ ...trial, positions: false }, deps)).rejects.toMatchObject({ code: 'EVAL_NO_QUERIES' })
  })
})

const missing = existsSync(MED) ? '' : ' (skipped: no ../shared/data/retrieval)'
describe.skipIf(missing !== '')(`the real model on MEDLINE${missing}`, () => {
  it('ranks better than BM25 alone, and over five shards as on one index within a hundredth', async () => {
    const text = (name: string) => readFileSync(new URL(name, MED), 'latin1')
    const workers = createPool({
      kinds: [{ kinds, module: kindsModule }],
      threads: 2,
      niceIncrement: 0,
      maxMemoryMb: 1_024,
      idleTimeoutMs: 60_000,
      log: silentLog,
    })
    const { ndcg10, bm25Ndcg10, sharded } = await evaluate(
      {
        documents: parseSmart(text('MED.ALL'), 'MED.ALL'),
        queries: parseSmart(text('MED.QRY'), 'MED.QRY'),
        judgements: parseJudgements(text('qrels'), 'qrels'),
        positions: false,
        shards: 5,
      },
      { encode: createEncoder(workers.run), width: 3, signal: new AbortController().signal, progress: () => undefined },
    )
    await workers.stop()
    expect(ndcg10).toBeGreaterThan(0.72)
    expect(ndcg10).toBeGreaterThan(bm25Ndcg10)
    expect(Math.abs(sharded.ndcg10 / ndcg10 - 1)).toBeLessThan(0.01)
  }, 240_000)
})

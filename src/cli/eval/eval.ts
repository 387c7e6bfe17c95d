import { type Command, Option } from 'commander'
import { CodedError } from '../../kernel/errors.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { parseCount } from '../terminal/units.ts'
import { evalForecast } from './forecast.ts'
import { evalRanking } from './ranking.ts'
import { evalYardsticks } from './yardstick.ts'

interface EvalFlags {
  readonly smart?: boolean
  readonly yardstick?: readonly string[]
  readonly forecast?: string
  readonly data?: string
  readonly positions?: boolean
  readonly shards: number
  readonly json?: string
}

export function registerEval(program: Command, terminal: Terminal): void {
  program
    .command('eval [documents] [queries] [qrels]')
    .description('measure what this version ships against labelled data; needs no daemon')
    .option('--smart', 'the ranking of "ask": documents and queries are SMART files, qrels are TREC judgements')
    .option('--positions', 'qrels count queries by their place in the file instead of by their .I number')
    .option('--shards <n>', 'over how many peers to spread the documents as well', parseCount, 5)
    .addOption(
      new Option('--yardstick <files...>', 'vectors of the market, control and forecasts: how many hold').conflicts([
        'smart',
        'forecast',
      ]),
    )
    .option('--data <dir>', 'the measurements that vectors name; left out, "energy" beside their folder')
    .addOption(
      new Option('--forecast <csv>', 'loads of homes, a column a home: how good forecasts would have been').conflicts(
        'smart',
      ),
    )
    .option('--json <file>', 'write the figures there; - prints them')
    .action(
      async (
        documents: string | undefined,
        queries: string | undefined,
        qrels: string | undefined,
        flags: EvalFlags,
      ) => {
        if (flags.yardstick !== undefined) return evalYardsticks(flags.yardstick, flags, terminal)
        if (flags.forecast !== undefined) return evalForecast(flags.forecast, flags, terminal)
        if (flags.smart !== true || documents === undefined || queries === undefined || qrels === undefined)
          throw new CodedError('CLI_USAGE', 'nothing to measure', {
            hint: 'give --yardstick FILE…, --forecast CSV, or DOCUMENTS QUERIES QRELS --smart',
          })
        await evalRanking({ documents, queries, qrels }, flags, terminal)
      },
    )
}

import { styleText } from 'node:util'
import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import { type AskAnswer, knowledgeCommands, type PeerReportAnswer } from '../../domains/knowledge/commands.ts'
import { plainText } from '../terminal/table.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { parseCount, shortPeer } from '../terminal/units.ts'

interface AskFlags {
  readonly top: number
  readonly collection?: string
  readonly local?: boolean
  readonly json?: boolean
}

/** JSON has no undefined: what this peer holds itself comes without a peer. */
type Shown = AskAnswer['passages'][number]

export function registerAsk(program: Command, terminal: Terminal): void {
  program
    .command('ask <question...>')
    .description('find the passages that answer, in your documents and in those that peers share')
    .option('--top <n>', 'how many, 20 at most', parseCount, 5)
    .option('--collection <name>', 'only collections of that name, here and at peers')
    .option('--local', 'ask no peers')
    .option('--json', 'for programs')
    .action(async (words: string[], { top, collection, local, json }: AskFlags) => {
      const answered = await openClient(homeOf(program, terminal))
        .of(knowledgeCommands)
        .ask({
          question: words.join(' '),
          top,
          local: local === true,
          ...(collection === undefined ? {} : { collection }),
        })
      if (json === true) return printJson(terminal, answered)
      for (const [index, passage] of answered.passages.entries()) printPassage(passage, index + 1, terminal)
      printPeers(answered, terminal)
    })
}

function printPassage(passage: Shown, number: number, terminal: Terminal): void {
  const { peer, collection, name, path, title, text, score } = passage
  const dim = (line: string) => styleText('dim', line, { stream: terminal.out })
  const strong = (line: string) => styleText('bold', line, { stream: terminal.out })
  // All of it was written by others: nothing in it may steer the terminal.
  printLine(terminal, `${strong(`${number}. ${plainText(title === '' ? name : title)}`)}  ${dim(score.toFixed(3))}`)
  printLine(terminal, `   ${plainText(text)}`)
  const where = peer === undefined ? (path ?? name) : `${name}, at peer ${shortPeer(peer)}`
  printLine(terminal, dim(`   ${plainText(`${where}, in ${collection}`)}`))
  printLine(terminal)
}

function printPeers({ passages, peers, notAsked }: AskAnswer, terminal: Terminal): void {
  if (passages.length === 0)
    printLine(terminal, 'Nothing was found. "wattmesh collections" shows what there is to ask.')
  const failed = peers.filter(({ state }) => state !== 'answered' && state !== 'nothing')
  for (const report of failed) printLine(terminal, plainText(`without ${shortPeer(report.peer)}: ${reasonOf(report)}`))
  if (notAsked > 0) printLine(terminal, `${notAsked} more peers share documents and were not asked`)
}

function reasonOf({ state, reason }: PeerReportAnswer): string {
  return reason === undefined ? state : `${state}, ${reason}`
}

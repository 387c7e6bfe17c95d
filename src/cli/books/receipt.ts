import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Client, openClient } from '../../api/client.ts'
import { booksCommands, type ReceiptAnswer } from '../../domains/books/commands.ts'
import { receiptIsGood, receiptSchema } from '../../domains/books/offline.ts'
import { systemClock } from '../../kernel/clock.ts'
import { CodedError, codeOf, messageOf } from '../../kernel/errors.ts'
import { verifySignature } from '../../protocol/keys.ts'
import { plainText, printTable } from '../terminal/table.ts'
import { homeOf, printJson, printLine, type Terminal } from '../terminal/terminal.ts'
import { duration, energy, parseCount, shortId, timeOfDay } from '../terminal/units.ts'
import { openParties } from './parties.ts'

interface Flags {
  readonly json?: boolean
  readonly limit: number
}

/** A receipt is looked for among this many of the newest. */
const REMEMBERED = 10_000

export function registerReceipt(program: Command, terminal: Terminal): void {
  const receipt = program.command('receipt').description('proof that a trade took place, without its price')
  const client = () => openClient(homeOf(program, terminal))

  receipt
    .command('list')
    .description('receipts this peer has seen, newest first')
    .option('--limit <n>', 'how many', parseCount, 30)
    .option('--json', 'for programs')
    .action((flags: Flags) => list(client(), flags, terminal))

  receipt
    .command('save <id> [file]')
    .description('write a receipt to a file that anybody can verify; the first letters of its id will do')
    .action((id: string, file: string | undefined) => save(id, file, { client: client(), terminal }))

  receipt
    .command('verify <file>')
    .description('what a receipt proves; needs no daemon; exit code 1 when it proves nothing')
    .option('--json', 'for programs')
    .action((file: string, { json }: Flags) => verify(file, json === true, terminal))
}

async function list(client: Client, { limit, json }: Flags, terminal: Terminal): Promise<void> {
  const [rows, { nameOf }] = await Promise.all([client.of(booksCommands).receipts({ limit }), openParties(client)])
  const now = systemClock.now()
  printTable(terminal, {
    rows,
    json: json === true,
    none: 'No receipts yet. A trade has one when it is settled, after its slot.',
    columns: [
      { title: 'id', cell: ({ body }) => shortId(body.contractHash) },
      { title: 'slot', cell: ({ body }) => timeOfDay(body.slot.startMs, now) },
      { title: 'seller', cell: ({ body }) => nameOf(body.seller) },
      { title: 'buyer', cell: ({ body }) => nameOf(body.buyer) },
      { title: 'settled', right: true, cell: ({ body }) => energy(body.settledWh) },
      { title: 'metered', cell: ({ body }) => (body.quality === 'OK' ? 'yes' : 'estimated') },
    ],
  })
}

async function save(
  id: string,
  file: string | undefined,
  { client, terminal }: { client: Client; terminal: Terminal },
): Promise<void> {
  const receipts = await client.of(booksCommands).receipts({ limit: REMEMBERED })
  const [one, ...others] = receipts.filter(({ body }) => body.contractHash.startsWith(id))
  if (one === undefined) {
    throw new CodedError('CLI_NO_RECEIPT', `no receipt ${id} here`, { hint: 'see "wattmesh receipt list"' })
  }
  if (others.length > 0) {
    throw new CodedError('CLI_AMBIGUOUS', `${others.length + 1} receipts begin with ${id}`, {
      hint: 'give more letters',
    })
  }
  const path = resolve(terminal.cwd, file ?? `receipt-${shortId(one.body.contractHash)}.json`)
  write(path, `${JSON.stringify(one, null, 2)}\n`)
  printLine(terminal, `wrote ${path}; whoever has it can check it with "wattmesh receipt verify"`)
}

/** Never over something that is there: a receipt may be the only copy. */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    throw new CodedError('CLI_EXISTS', `${path} is there already`, { hint: 'name another file, or move it away first' })
  }
}

type Checked =
  | { readonly good: true; readonly receipt: ReceiptAnswer }
  | { readonly good: false; readonly reason: string }

function verify(file: string, json: boolean, terminal: Terminal): void {
  const verdict = verdictOf(textOf(resolve(terminal.cwd, file)))
  if (!verdict.good) terminal.fail()
  if (json) printJson(terminal, verdict)
  else if (verdict.good) printProof(verdict.receipt, terminal)
  else printLine(terminal, `✘ ${plainText(verdict.reason)}`)
}

function printProof({ body }: ReceiptAnswer, terminal: Terminal): void {
  const { slot, buyer, seller, settledWh, quality, contractHash } = body
  const how = quality === 'OK' ? 'as metered by both' : 'estimated, as a meter was silent'
  const lines: [string, string][] = [
    ['settled', `${energy(settledWh)}, ${how}`],
    ['slot', `from ${new Date(slot.startMs).toISOString()}, ${duration(slot.durationMs)}`],
    ['seller', seller],
    ['buyer', buyer],
    ['contract', `the one whose SHA-256 is ${contractHash}`],
  ]
  printLine(terminal, '✔ both signatures are good. This receipt proves that buyer and seller agree:')
  for (const [title, said] of lines) printLine(terminal, `  ${title.padEnd(9)} ${said}`)
  printLine(terminal, '  It does not say at what price, nor that the two are different people.')
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CodedError('CLI_BAD_FILE', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'give the file that "wattmesh receipt save" has written',
      cause: error,
    })
  }
}

/** Judges the text of a file from anywhere. */
export function verdictOf(text: string): Checked {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { good: false, reason: 'this is not JSON, so it is no receipt' }
  }
  const read = receiptSchema.safeParse(value)
  if (!read.success) {
    const issue = read.error.issues[0]
    const where = issue?.path.join('.') ?? ''
    return { good: false, reason: `this is no receipt: ${where === '' ? '' : `${where}: `}${issue?.message}` }
  }
  const receipt = read.data
  const good = receiptIsGood(receipt, (peer, signed, signature) => verifySignature(peer, signed, signature) === true)
  if (good) return { good, receipt }
  return {
    good,
    reason: 'a signature is not that of its peer, or something was changed after it was signed: it proves nothing',
  }
}

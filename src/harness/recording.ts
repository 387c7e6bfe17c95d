import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../api/client.ts'
import { daemonCommands } from '../daemon/commands.ts'

const PAGE = 500

/** A daemon's journal as JSON lines, and each Beckn message it sent as a file of its own, for other validators. */
export async function record(directory: string, name: string, client: Client): Promise<number> {
  mkdirSync(join(directory, 'journal'), { recursive: true })
  mkdirSync(join(directory, 'beckn'), { recursive: true })
  const lines: string[] = []
  for (let after = 0; ; ) {
    const page = await client.of(daemonCommands).messages({ after, limit: PAGE })
    for (const message of page) {
      after = message.seq
      const envelope = JSON.parse(message.envelope) as { payload: unknown }
      lines.push(JSON.stringify({ ...message, envelope }))
      if (message.direction === 'out' && message.type.startsWith('beckn.')) {
        const file = `${name}-${String(message.seq).padStart(6, '0')}-${message.type.slice('beckn.'.length)}.json`
        writeFileSync(join(directory, 'beckn', file), `${JSON.stringify(envelope.payload, null, 2)}\n`)
      }
    }
    if (page.length < PAGE) break
  }
  writeFileSync(join(directory, 'journal', `${name}.jsonl`), lines.map(line => `${line}\n`).join(''))
  return lines.length
}

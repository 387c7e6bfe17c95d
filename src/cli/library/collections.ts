import type { Command } from 'commander'
import { openClient } from '../../api/client.ts'
import { type AccessGiven, knowledgeCommands } from '../../domains/knowledge/commands.ts'
import { CodedError } from '../../kernel/errors.ts'
import { printTable } from '../terminal/table.ts'
import { homeOf, printLine, type Terminal } from '../terminal/terminal.ts'
import { type AccessFlags, accessFrom, accessLine } from './access.ts'

export function registerCollections(program: Command, terminal: Terminal): void {
  const client = () => openClient(homeOf(program, terminal))
  const collections = program
    .command('collections')
    .description('your documents by collection, and who may read passages of them')
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      const rows = await client().of(knowledgeCommands).collections()
      printTable(terminal, {
        rows,
        json: json === true,
        none: 'No collections yet. "wattmesh ingest PATH" makes one.',
        columns: [
          { title: 'collection', cell: ({ name }) => name },
          { title: 'documents', right: true, cell: ({ documents }) => documents },
          { title: 'passages', right: true, cell: ({ passages }) => passages },
          { title: 'size', right: true, cell: row => size(row.bytes) },
          { title: 'access', cell: ({ access }) => accessLine(access) },
          { title: 'model', cell: ({ fingerprint }) => fingerprint?.slice(0, 8) ?? '–' },
        ],
      })
    })

  async function setAccess(name: string, access: AccessGiven): Promise<void> {
    await client().of(knowledgeCommands).share({ name, access })
    printLine(
      terminal,
      `${name} is ${access.to === 'peers' ? `shared with ${accessLine(access)}` : accessLine(access)}`,
    )
  }

  collections
    .command('share <name>')
    .description('let peers find passages of a collection; the documents stay here')
    .option('--public', 'everybody')
    .option('--with <peers>', 'these peers alone, ids with commas between')
    .action(async (name: string, flags: { public?: boolean; with?: string }) => {
      const given: AccessFlags = {
        ...(flags.public === undefined ? {} : { public: flags.public }),
        ...(flags.with === undefined ? {} : { share: flags.with }),
      }
      const access = accessFrom(given)
      if (access === undefined) {
        throw new CodedError('CLI_BAD_ACCESS', 'with whom?', { hint: 'add --public, or --with PEER,PEER' })
      }
      await setAccess(name, access)
    })

  collections
    .command('unshare <name>')
    .description('keep a collection to yourself again')
    .action((name: string) => setAccess(name, { to: 'nobody' }))

  collections
    .command('remove <name>')
    .description('forget a collection; the files themselves stay')
    .action(async (name: string) => {
      await client().of(knowledgeCommands).remove({ name })
      printLine(terminal, `${name} is removed`)
    })
}

function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

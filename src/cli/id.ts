import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { openClient } from '../api/client.ts'
import { KEY_FILE, openSeed } from '../config/identity.ts'
import { daemonCommands } from '../daemon/commands.ts'
import { CodedError } from '../kernel/errors.ts'
import type { Engine, Identity } from './run/engine.ts'
import { passphraseOf } from './run/passphrase.ts'
import { homeOf, printJson, printLine, type Terminal } from './terminal/terminal.ts'

export function registerId(program: Command, terminal: Terminal, engine: Engine): void {
  program
    .command('id')
    .description("this peer's id and DID, from its key")
    .option('--json', 'for programs')
    .action(async ({ json }: { json?: boolean }) => {
      const { peerId, did } = await identityIn(homeOf(program, terminal), terminal, engine)
      if (json === true) {
        printJson(terminal, { peerId, did })
        return
      }
      printLine(terminal, `peer id  ${peerId}`)
      printLine(terminal, `did      ${did}`)
    })
}

/** Of the running daemon, who has opened the key already; else from the key itself. */
async function identityIn(home: string, terminal: Terminal, engine: Engine): Promise<Identity> {
  try {
    return await openClient(home).of(daemonCommands).id()
  } catch {
    return keptIn(home, terminal, engine)
  }
}

function keptIn(home: string, terminal: Terminal, engine: Engine): Promise<Identity> {
  if (!existsSync(join(home, KEY_FILE))) {
    throw new CodedError('CLI_NO_KEY', `there is no key in ${home} yet`, {
      hint: '"wattmesh init" makes one; so does the first "wattmesh run"',
    })
  }
  return engine.identityFromSeed(openSeed(home, passphraseOf(terminal)).seed)
}

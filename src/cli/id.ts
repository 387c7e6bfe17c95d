import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { KEY_FILE, openSeed } from '../config/identity.ts'
import { CodedError } from '../kernel/errors.ts'
import type { Engine } from './run/daemon.ts'
import { passphraseOf } from './run/passphrase.ts'
import { homeOf, printJson, printLine, type Terminal } from './terminal/terminal.ts'

export function registerId(program: Command, terminal: Terminal, engine: Engine): void {
  program
    .command('id')
    .description("this peer's id and DID, from its key")
    .option('--json', 'for programs')
    .action(({ json }: { json?: boolean }) => {
      const home = homeOf(program, terminal)
      if (!existsSync(join(home, KEY_FILE))) {
        throw new CodedError('CLI_NO_KEY', `there is no key in ${home} yet`, {
          hint: '"wattmesh init" makes one; so does the first "wattmesh run"',
        })
      }
      const { peerId, did } = engine.identityFromSeed(openSeed(home, passphraseOf(terminal)).seed)
      if (json === true) return printJson(terminal, { peerId, did })
      printLine(terminal, `peer id  ${peerId}`)
      printLine(terminal, `did      ${did}`)
    })
}

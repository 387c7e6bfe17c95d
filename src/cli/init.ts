import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CONFIG_FILE } from '../config/config.ts'
import { KEY_FILE, openSeed } from '../config/identity.ts'
import { type OptionDoc, optionDocs, optionsSchema } from '../config/options.ts'
import { CodedError } from '../kernel/errors.ts'
import type { Engine } from './run/engine.ts'
import { passphraseOf } from './run/passphrase.ts'
import { homeOf, printLine, type Terminal } from './terminal/terminal.ts'

export function registerInit(program: Command, terminal: Terminal, engine: Engine): void {
  program
    .command('init')
    .description('make the data directory: a key and a config.toml that explains every option')
    .option(
      '--passphrase',
      'encrypt the key; the passphrase is read from WATTMESH_PASSPHRASE or WATTMESH_PASSPHRASE_FILE',
    )
    .action(async ({ passphrase }: { passphrase?: boolean }) => {
      const home = homeOf(program, terminal)
      const secret = passphrase === true ? requiredPassphrase(terminal) : undefined
      for (const name of [KEY_FILE, CONFIG_FILE]) refuseToOverwrite(join(home, name))
      mkdirSync(home, { recursive: true, mode: 0o700 })
      const { seed } = openSeed(home, secret)
      const config = join(home, CONFIG_FILE)
      writeFileSync(config, commentedConfig(), { mode: 0o600, flag: 'wx' })
      const { peerId } = await engine.identityFromSeed(seed)
      printLine(terminal, `peer id  ${peerId}`)
      printLine(terminal, `key      ${join(home, KEY_FILE)}${secret === undefined ? '' : ' (encrypted)'}`)
      printLine(terminal, `config   ${config}`)
      printLine(
        terminal,
        'Next: look through the config, then "wattmesh run". Keep a copy of the key: it is who you are.',
      )
    })
}

function requiredPassphrase(terminal: Terminal): string {
  const passphrase = passphraseOf(terminal)
  if (passphrase !== undefined && passphrase !== '') return passphrase
  throw new CodedError('CLI_NO_PASSPHRASE', 'there is no passphrase to encrypt the key with', {
    hint: 'set WATTMESH_PASSPHRASE, or WATTMESH_PASSPHRASE_FILE to a file that holds it',
  })
}

function refuseToOverwrite(file: string): void {
  if (!existsSync(file)) return
  throw new CodedError('CLI_EXISTS', `${file} is there already`, {
    hint: 'it was left as it is; choose another data directory with --home, or move the file away first',
  })
}

/** Every option as a comment with its default: what a line says without its `#` changes nothing. */
export function commentedConfig(): string {
  const defaults = optionsSchema.parse({}) as unknown as Record<string, unknown>
  const lines = [
    '# Settings of this peer. Take the # from a line to change what it says; without it, it is the default.',
  ]
  let table = ''
  for (const doc of optionDocs()) {
    const [head = '', key] = doc.path.split('.')
    if (key !== undefined && head !== table) {
      table = head
      lines.push('', `[${table}]`)
    }
    lines.push('', ...commented(doc, key ?? head, key === undefined ? defaults[head] : at(defaults, head, key)))
  }
  return `${lines.join('\n')}\n`
}

function commented({ description, unit }: OptionDoc, key: string, value: unknown): string[] {
  const sentence = `# ${description}${unit === undefined ? '' : ` Unit: ${unit}.`}`
  return value === undefined
    ? [`${sentence} Not set by default.`, `# ${key} = "…"`]
    : [sentence, `# ${key} = ${JSON.stringify(value)}`]
}

function at(defaults: Record<string, unknown>, table: string, key: string): unknown {
  return (defaults[table] as Record<string, unknown> | undefined)?.[key]
}

import { CodedError } from '../../kernel/errors.ts'

/** As commander hands them over: a list for what may be given several times. */
export interface RunFlags {
  readonly name?: string
  readonly roles?: string[]
  readonly listen?: string[]
  readonly bootstrap?: string[]
  readonly zone?: string
  readonly network?: string
  readonly logLevel?: string
  readonly set?: string[]
}

export interface FlagReader {
  /** Text as the type of the option it is for; text where there is no such option. */
  read(path: string, text: string): unknown
}

/** Options by path. A `--set` comes last: it is the more deliberate one. */
export function optionsFrom(flags: RunFlags, { read }: FlagReader): Record<string, unknown> {
  const split = (list: string[] | undefined) => list?.flatMap(item => item.split(',')).map(item => item.trim())
  return {
    name: flags.name,
    roles: split(flags.roles),
    'network.listen': split(flags.listen),
    'network.bootstrap': split(flags.bootstrap),
    'network.zone': flags.zone,
    'network.name': flags.network,
    'log.level': flags.logLevel,
    ...Object.fromEntries((flags.set ?? []).map(assignment => assigned(assignment, read))),
  }
}

function assigned(assignment: string, read: FlagReader['read']): [string, unknown] {
  const [, path = '', text = ''] = /^([^=]+)=(.*)$/s.exec(assignment) ?? []
  if (path === '') {
    throw new CodedError('CLI_BAD_SET', `--set ${assignment} is not of the form option=value`, {
      hint: 'like --set network.mdns=false; "wattmesh config" lists all options',
    })
  }
  return [path.trim(), read(path.trim(), text)]
}

import { CodedError } from '../kernel/errors.ts'
import { type CallOptions, type Client, type Command, type Commands, callsOf, JsonLines, type Runs } from './command.ts'

/** The function behind a command, when it is not known which: what it is given, its command's schema has read. */
type AnyRun = (input: never, signal: AbortSignal) => unknown

/** The commands of a domain and the functions behind them. */
export interface Served {
  /** Of the domain: with the command's it makes the operation's. */
  readonly name: string
  readonly commands: Commands
  readonly run: Readonly<Record<string, AnyRun>>
}

/** Compiles only when each command has its function. */
export function serve<Asked extends Commands>(name: string, asked: Asked, run: Runs<Asked>): Served {
  return { name, commands: asked, run }
}

/** @param input what the command's schema made of a request */
export function runOf({ run }: Served, name: string): (input: unknown, signal: AbortSignal) => unknown {
  const known = run[name]
  if (known === undefined) throw new TypeError(`the command ${name} has no function`)
  // The one place where a run meets an input whose type the compiler does not know: `serve` has compared the two.
  return (input, signal) => known(input as never, signal)
}

/** Asks from inside, without the API: answers are what whoever asks from outside would read. */
export function clientOf(served: readonly Served[]): Client {
  const never = new AbortController().signal
  return {
    of(asked) {
      const domain = served.find(({ commands }) => commands === asked)
      if (domain === undefined) throw new CodedError('API_NOT_FOUND', 'this node does not serve these commands')
      return callsOf(asked, (command, name) => {
        const begin = (given: object = {}, { signal = never }: CallOptions = {}): unknown =>
          runOf(domain, name)(command.input.parse(given), signal)
        if (command.stream === true) return (given, options) => streamed(command, begin(given, options))
        return async (given, options) => command.output.parse(asJson(await begin(given, options)))
      })
    },
  }
}

async function* streamed({ output }: Command, lines: unknown): AsyncGenerator<unknown, void> {
  for await (const line of lines as AsyncIterable<unknown>) {
    if (!(line instanceof JsonLines)) yield output.parse(asJson(line))
    else for (const text of line.text.split('\n')) if (text !== '') yield output.parse(JSON.parse(text))
  }
}

function asJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

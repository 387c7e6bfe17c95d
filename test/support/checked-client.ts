import { isDeepStrictEqual } from 'node:util'
import { type Client, type Command, JsonLines } from '../../src/daemon/command.ts'
import { clientOf, type Served } from '../../src/daemon/served.ts'

/** Letters of an answer, for people who look for what is wrong with it. */
const SHOWN = 2_000

/** Asks from inside like `clientOf`, and throws where an answer says something that its schema does not. */
export function checkedClient(served: readonly Served[]): Client {
  return clientOf(served.map(domain => ({ ...domain, run: checkedRuns(domain) })))
}

function checkedRuns({ name, commands, run }: Served): Served['run'] {
  return Object.fromEntries(
    Object.entries(run).map(([key, known]) => {
      const command = commands[key]
      if (command === undefined) throw new TypeError(`${name}.${key} is in no table`)
      const check = <Told>(told: Told): Told => checked(`${name}.${key}`, command, told)
      if (command.stream === true) {
        return [
          key,
          (input: never, signal: AbortSignal) => streamed(known(input, signal) as AsyncIterable<unknown>, check),
        ]
      }
      return [key, async (input: never, signal: AbortSignal) => check(await known(input, signal))]
    }),
  )
}

async function* streamed(lines: AsyncIterable<unknown>, check: (told: unknown) => unknown) {
  for await (const line of lines) {
    if (line instanceof JsonLines) for (const text of line.text.split('\n').filter(Boolean)) check(JSON.parse(text))
    else check(line)
    yield line
  }
}

/** What a schema does not know it leaves out: so what it makes of an answer must be the answer. */
function checked<Told>(what: string, { output }: Command, told: Told): Told {
  const sent: unknown = told === undefined ? undefined : JSON.parse(JSON.stringify(told))
  const read: unknown = output.parse(sent)
  if (isDeepStrictEqual(read, sent)) return told
  const [said, known] = [sent, read].map(value => JSON.stringify(value).slice(0, SHOWN))
  throw new TypeError(`${what} says more than its schema: ${said} is read as ${known}`)
}

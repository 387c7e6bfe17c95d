import { createLogUpdate } from 'log-update'

export interface Live {
  /** What is so now: redrawn in place on a terminal; elsewhere printed when `line` differs from the last one. */
  show(line: string): void
  /** A line that stays. */
  say(line: string): void
  done(): void
}

/** @param steady what counts as news where lines cannot be redrawn: elapsed times do not */
export function createLive(stream: NodeJS.WriteStream, steady: (line: string) => string = line => line): Live {
  if (stream.isTTY === true) {
    const update = createLogUpdate(stream)
    return {
      show: line => update(line),
      say(line) {
        update.clear()
        stream.write(`${line}\n`)
      },
      done: () => update.clear(),
    }
  }
  let last = ''
  return {
    show(line) {
      if (steady(line) === last) return
      last = steady(line)
      stream.write(`${line}\n`)
    },
    say: line => void stream.write(`${line}\n`),
    done: () => undefined,
  }
}

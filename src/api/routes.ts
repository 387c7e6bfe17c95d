import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Command, JsonLines, routeOf } from '../daemon/command.ts'
import { runOf, type Served } from '../daemon/served.ts'
import type { Log } from '../kernel/log.ts'
import { endedWithReason } from './broken-off.ts'
import { readerOf } from './request.ts'

/** A route for every command. */
export function addRoutes(server: FastifyInstance, served: readonly Served[], log: Log): void {
  for (const domain of served) {
    for (const [name, command] of Object.entries(domain.commands)) {
      const { method, path } = routeOf(command)
      const [read, run] = [readerOf(command), runOf(domain, name)]
      server.route({
        method,
        url: path,
        async handler(request, reply) {
          const { params, query, body } = request
          const answer = run(read({ params, query, body }), goneSignal(reply))
          return command.stream === true ? sendLines(reply, answer, log) : sendAnswer(reply, await answer, command)
        },
      })
    }
  }
}

function sendAnswer(reply: FastifyReply, answer: unknown, { contentType }: Command): unknown {
  if (contentType !== undefined) reply.type(contentType)
  return answer
}

function sendLines(reply: FastifyReply, answer: unknown, log: Log): FastifyReply {
  reply.type('application/x-ndjson')
  // The table says so: the output is one of many.
  return reply.send(Readable.from(endedWithReason(textOf(answer as AsyncIterable<unknown>), log)))
}

async function* textOf(lines: AsyncIterable<unknown>): AsyncGenerator<string, void> {
  for await (const line of lines) yield line instanceof JsonLines ? line.text : `${JSON.stringify(line)}\n`
}

/** Aborts when whoever asked has gone before the answer was whole. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort()
  })
  return gone.signal
}

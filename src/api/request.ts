import { z } from 'zod'
import { type Command, routeOf } from '../daemon/command.ts'

/** The parts of an HTTP request in which the fields of an input stand. */
export interface RequestParts {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

/** How a command's input is read from a request. @throws z.ZodError, there */
export function readerOf(command: Command): (parts: RequestParts) => object {
  const { path, rest, place } = placesOf(command)
  const hasRest = Object.keys(rest.shape).length > 0
  const mayBeEmpty = rest.safeParse({}).success
  const typed = Object.entries(rest.shape).map(([name, schema]) => [name, innermost(schema)] as const)

  function restOf({ query, body }: RequestParts): object {
    if (!hasRest) return {}
    if (place === 'query') return rest.parse(valuesOf(query, typed))
    return rest.parse(body ?? (mayBeEmpty ? {} : body))
  }

  return parts => {
    const named = path.parse(parts.params ?? {})
    return { ...restOf(parts), ...named }
  }
}

/** An input taken apart: what the path names, and what stands in the query or the body. */
export function placesOf(command: Command): { path: z.ZodObject; rest: z.ZodObject; place: 'query' | 'body' } {
  const { method, names } = routeOf(command)
  const { shape, def } = command.input
  const fields = Object.entries(shape)
  const rest = z.object(Object.fromEntries(fields.filter(([name]) => !names.includes(name))))
  return {
    path: z.object(Object.fromEntries(fields.filter(([name]) => names.includes(name)))),
    // Whether it takes other fields is for the whole input to say.
    rest: def.catchall === undefined ? rest : rest.catchall(def.catchall),
    place: method === 'GET' ? 'query' : 'body',
  }
}

/** A query knows text alone: numbers and booleans are read where the schema wants them. */
function valuesOf(query: unknown, typed: readonly (readonly [string, unknown])[]): unknown {
  if (typeof query !== 'object' || query === null) return query
  const said = new Map<string, unknown>(Object.entries(query))
  for (const [name, schema] of typed) {
    const value = said.get(name)
    if (value === undefined) continue
    if (schema instanceof z.ZodNumber) said.set(name, Number(value))
    if (schema instanceof z.ZodBoolean && (value === 'true' || value === 'false')) said.set(name, value === 'true')
  }
  return Object.fromEntries(said)
}

/** The schema under its defaults and optionals. */
function innermost(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return innermost(schema.unwrap())
  return schema
}

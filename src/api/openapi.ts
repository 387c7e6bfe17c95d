import { z } from 'zod'
import { type Command, routeOf } from '../daemon/command.ts'
import type { Served } from '../daemon/served.ts'
import { errorSchema } from './broken-off.ts'
import { placesOf } from './request.ts'

export const OPENAPI_PATH = '/v1/openapi.json'

type Schema = z.core.JSONSchema.BaseSchema
type Schemas = Record<string, Schema>

const ERROR = '#/components/schemas/Error'

/** The API as OpenAPI 3.1, made of the table: who needs another client generates it. */
export function openApiOf(served: readonly Served[]) {
  const schemas: Schemas = {}
  const schemaOf = collectorOf(schemas)
  const paths: Record<string, Record<string, object>> = { ...ownPaths() }
  for (const { name, commands } of served) {
    for (const [key, command] of Object.entries(commands)) {
      const { method, path } = routeOf(command)
      const url = path.replaceAll(/:(\w+)/g, '{$1}')
      const operation = { operationId: `${name}.${key}`, tags: [name], ...operationOf(command, schemaOf) }
      paths[url] = { ...paths[url], [method.toLowerCase()]: operation }
    }
  }
  schemaOf(errorSchema, 'output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'wattmesh',
      version: '1.0.0',
      description: 'What people and programs may ask of a wattmesh daemon, on its own machine.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    tags: served.map(({ name }) => ({ name, description: `Commands of ${name}.` })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'The token in api.json in the data directory.' },
      },
      responses: {
        Refused: errorResponse('What was asked is refused, with a code, a sentence, and perhaps what to do.'),
        Failed: errorResponse('The daemon failed, or a peer did not answer.'),
      },
      schemas,
    },
  }
}

type SchemaOf = (schema: z.ZodType, io: 'input' | 'output') => Schema

function operationOf(command: Command, schemaOf: SchemaOf) {
  const { stream, contentType } = command
  const type = stream === true ? 'application/x-ndjson' : (contentType ?? 'application/json')
  const many = stream === true ? ' One of them a line; what breaks them off is a last line with an error.' : ''
  const content = { [type]: { schema: schemaOf(command.output, 'output') } }
  return {
    summary: command.says,
    'x-scope': command.scope,
    ...inputOf(command, schemaOf),
    responses: { 200: { description: `The answer.${many}`, content }, ...REFUSALS },
  }
}

const REFUSALS = {
  '4XX': { $ref: '#/components/responses/Refused' },
  '5XX': { $ref: '#/components/responses/Failed' },
}

function inputOf(command: Command, schemaOf: SchemaOf) {
  const { path, rest, place } = placesOf(command)
  const inPath = parametersOf(schemaOf(path, 'input'), 'path')
  const schema = schemaOf(rest, 'input')
  if (place === 'query') {
    const parameters = [...inPath, ...parametersOf(schema, 'query')]
    return parameters.length === 0 ? {} : { parameters }
  }
  const hasBody = Object.keys(rest.shape).length > 0
  const required = (schema.required ?? []).length > 0
  return {
    ...(inPath.length === 0 ? {} : { parameters: inPath }),
    ...(hasBody ? { requestBody: { required, content: { 'application/json': { schema } } } } : {}),
  }
}

function parametersOf({ properties = {}, required = [] }: Schema, place: 'path' | 'query') {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema,
  }))
}

/** Turns schemas into JSON Schema; those with names stand once, among the components. */
function collectorOf(components: Schemas): SchemaOf {
  return (schema, io) => {
    const { $defs = {}, $schema: _, ...made } = z.toJSONSchema(schema, { io, override: tidy(io) })
    for (const [name, definition] of Object.entries($defs)) {
      const { id: _id, ...said } = componentRefs(definition)
      components[name] = said
    }
    return componentRefs(made)
  }
}

/** No bounds but those somebody has set; and a later version may tell more. */
function tidy(io: 'input' | 'output') {
  return ({ jsonSchema }: { jsonSchema: Schema }): void => {
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
  }
}

function componentRefs(schema: Schema): Schema {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/')
  return JSON.parse(text)
}

function errorResponse(description: string) {
  return { description, content: { 'application/json': { schema: { $ref: ERROR } } } }
}

/** What a supervisor asks without a token, and this document. */
function ownPaths(): Record<string, Record<string, object>> {
  const flag = (name: string) => ({
    'application/json': {
      schema: { type: 'object', properties: { [name]: { type: 'boolean' } }, required: [name] },
    },
  })
  const open = (name: string, summary: string, responses: object) => ({
    get: { operationId: `daemon.${name}`, tags: ['daemon'], summary, security: [], responses },
  })
  return {
    '/healthz': open('healthz', 'Whether the daemon lives.', {
      200: { description: 'It does.', content: flag('running') },
      '4XX': REFUSALS['4XX'],
    }),
    '/readyz': open('readyz', 'Whether the daemon has started, and is not about to stop.', {
      200: { description: 'It has.', content: flag('ready') },
      503: { description: 'It has not.', content: flag('ready') },
      '4XX': REFUSALS['4XX'],
    }),
    [OPENAPI_PATH]: {
      get: {
        operationId: 'daemon.openapi',
        tags: ['daemon'],
        summary: 'This document.',
        'x-scope': 'read',
        responses: {
          200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
          ...REFUSALS,
        },
      },
    },
  }
}

import type { z } from 'zod'

export type Method = 'GET' | 'POST' | 'DELETE'

/** What whoever asks must be allowed to do. */
export type Scope = 'read' | 'trade' | 'compute' | 'control' | 'admin'

/**
 * What may be asked of a daemon, as data: it is known without an open node. The HTTP route, the OpenAPI document and the
 * typed client are made of it. Names in the path (`/v1/trades/:id`) are fields of the input; the other fields stand in
 * the query of a GET, else in the body. What is in a query is read as a number or a boolean where the input says so.
 */
export interface Command {
  readonly route: `${Method} /${string}`
  readonly scope: Scope
  /** One sentence, for people and for models. */
  readonly says: string
  readonly input: z.ZodObject
  readonly output: z.ZodType
  /** The output is one of many, as lines of JSON. */
  readonly stream?: true
  /** The output is text of this type, and no JSON. */
  readonly contentType?: string
}

export type Commands = Readonly<Record<string, Command>>

/** `GET`, `/v1/trades/:id`, and the names in it. */
export function routeOf({ route }: Pick<Command, 'route'>): { method: string; path: string; names: string[] } {
  const [method = '', path = ''] = route.split(' ')
  return { method, path, names: [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name) }
}

/** Nobody changes what was told, at any depth. */
type ReadOnly<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer One)[]
    ? readonly ReadOnly<One>[]
    : { readonly [Key in keyof T]: ReadOnly<T[Key]> }

/** What a schema says, as whoever asked reads it. */
export type Shape<Schema extends z.ZodType> = ReadOnly<z.output<Schema>>

/** What a command is asked with, as it reaches the domain: parsed, with its defaults. */
export type Input<Asked extends Command> = z.output<Asked['input']>
export type Output<Asked extends Command> = ReadOnly<z.input<Asked['output']>>

/** Lines of JSON that are written already, each with its end: what is kept as text need not be read to be told. */
export class JsonLines {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The function behind a command. A stream that cannot begin throws at once; one that has begun breaks off. */
export type Run<Asked extends Command> = Asked extends { readonly stream: true }
  ? (input: Input<Asked>, signal: AbortSignal) => AsyncIterable<Output<Asked> | JsonLines>
  : (input: Input<Asked>, signal: AbortSignal) => Output<Asked> | Promise<Output<Asked>>

export type Runs<Asked extends Commands> = { readonly [Name in keyof Asked]: Run<Asked[Name]> }

/** What somebody writes who asks, and what is told: both as they travel. */
export type Given<Asked extends Command> = ReadOnly<z.input<Asked['input']>>
export type AnswerOf<Asked extends Command> = Shape<Asked['output']>

export interface CallOptions {
  /** Aborts when the answer is not wanted any more. */
  readonly signal?: AbortSignal
}

/** Who need not say anything may leave the first out. */
type Arguments<Given> = string extends keyof Given
  ? [given?: Given, options?: CallOptions]
  : Partial<Given> extends Given
    ? [given?: Given, options?: CallOptions]
    : [given: Given, options?: CallOptions]

/** A command as a function. What is refused is thrown with its own code, message and hint. */
export type Call<Asked extends Command> = (
  ...args: Arguments<Given<Asked>>
) => Asked extends { readonly stream: true } ? AsyncGenerator<AnswerOf<Asked>, void> : Promise<AnswerOf<Asked>>

export type Calls<Asked extends Commands> = { readonly [Name in keyof Asked]: Call<Asked[Name]> }

/** Whoever asks a daemon, from inside or over its API. */
export interface Client {
  /** The functions of a table: `client.of(tradingCommands).buy({ energyWh: 500 })`. */
  of<Asked extends Commands>(asked: Asked): Calls<Asked>
}

/** The functions of a table, each made of its command; what they are given and tell is for the table to say. */
export function callsOf<Asked extends Commands>(
  asked: Asked,
  callOf: (command: Command, name: string) => (given?: object, options?: CallOptions) => unknown,
): Calls<Asked> {
  const calls = Object.entries(asked).map(([name, command]) => [name, callOf(command, name)] as const)
  return Object.fromEntries(calls) as unknown as Calls<Asked>
}

/** Keeps the literal types of a table of commands, which the route's parameters and the client are made of. */
export function commands<const Asked extends Commands>(asked: Asked): Asked {
  return asked
}

declare const missing: unique symbol

/** A type with every field there: what may be missing is a value of its own, so that a forgotten field is seen. */
type Whole<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer One)[]
    ? readonly Whole<One>[]
    : {
        readonly [Key in keyof T]-?:
          | Whole<Exclude<T[Key], undefined>>
          | (undefined extends T[Key] ? typeof missing : never)
      }

/** Whether two types are written the same as JSON, field by field at every depth. */
type Same<A, B> = [Whole<A>] extends [Whole<B>] ? ([Whole<B>] extends [Whole<A>] ? true : false) : false

/** Compiles only with a schema that says of each field what the type says: `schemaOf<Trade>()(z.object({ … }))`. */
export function schemaOf<Said>() {
  return <Schema extends z.ZodType>(
    schema: Schema & (Same<z.output<Schema>, Said> extends true ? unknown : 'the type says something else'),
  ): Schema => schema
}

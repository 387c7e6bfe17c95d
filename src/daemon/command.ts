import type { z } from 'zod'

export type Method = 'GET' | 'POST' | 'DELETE'

/** What whoever asks must be allowed to do. */
export type Scope = 'read' | 'trade' | 'compute' | 'control' | 'admin'

/**
 * What may be asked of a daemon, as data: it is known without an open node. The HTTP route, the OpenAPI document and the
 * typed client are made of it. Names in the path (`/v1/trades/:id`) are fields of the input; the other fields stand in
 * the query of a GET, else in the body.
 */
export interface Command {
  readonly route: `${Method} /${string}`
  readonly scope: Scope
  /** One sentence, for people and for models. */
  readonly says: string
  readonly input: z.ZodType
  readonly output: z.ZodType
  /** The output is one of many, as lines of JSON. */
  readonly stream?: true
  /** The output is this, and no JSON. */
  readonly contentType?: string
}

export type Commands = Readonly<Record<string, Command>>

/** What a command is asked with, as it reaches the domain: parsed, with its defaults. */
export type Input<Asked extends Command> = z.output<Asked['input']>
export type Output<Asked extends Command> = z.input<Asked['output']>

/** The function behind a command. */
export type Run<Asked extends Command> = Asked extends { readonly stream: true }
  ? (input: Input<Asked>, signal: AbortSignal) => AsyncIterable<Output<Asked>>
  : (input: Input<Asked>, signal: AbortSignal) => Output<Asked> | Promise<Output<Asked>>

export type Runs<Asked extends Commands> = { readonly [Name in keyof Asked]: Run<Asked[Name]> }

/** Keeps the literal types of a table of commands, which the route's parameters and the client are made of. */
export function commands<const Asked extends Commands>(asked: Asked): Asked {
  return asked
}

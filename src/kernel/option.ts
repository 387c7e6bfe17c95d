import { z } from 'zod'

/** Every option: its type, default, unit where one is needed, and the sentence a person reads in `wattmesh config`. */
export function option<T extends z.ZodType>(schema: T, description: string, unit?: string): T {
  return schema.meta(unit === undefined ? { description } : { description, unit })
}

export const flag = (byDefault: boolean) => z.boolean().default(byDefault)
export const list = z.array(z.string())
export const word = z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, dots and dashes, at most 64')
/** Money a kWh. */
export const price = (byDefault: number) => z.int().min(0).default(byDefault)

import type { ReadAnswer, ReadRequest } from '../../src/domains/knowledge/reading/reader.ts'

/** A thread that never ends for a file called endless, as with a document made to be so. */
export function read({ path }: ReadRequest): ReadAnswer {
  while (path === 'endless');
  return { status: 'unchanged', hash: '' }
}

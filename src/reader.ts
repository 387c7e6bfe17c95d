import { createRead } from './domains/knowledge/reading/reader.ts'
import { decodeText } from './domains/tasks/kinds/source-text.ts'

/** The thread that reads files for `knowledge`, which leaves what is text to the same rules as tasks have. */
export const read = createRead(decodeText)

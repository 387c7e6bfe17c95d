import { z } from 'zod'
import { flag, option } from './option.ts'

export const knowledge = z.strictObject({
  encodeOnPeers: option(
    flag(true),
    'While ingest keeps all threads busy, also have peers that may read a collection compute vectors: they are sent the text of its larger documents in parts. A private collection never leaves.',
  ),
})

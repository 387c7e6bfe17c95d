import { z } from 'zod'
import { flag, option } from '../../kernel/option.ts'

const knowledge = z.object({
  encodeOnPeers: option(
    flag(true),
    'While ingest keeps all threads busy, also have peers that may read a collection compute vectors: they are sent the text of its larger documents in parts. A private collection never leaves.',
  ),
})

export const knowledgeOptions = z.object({ knowledge: knowledge.prefault({}) })

import { z } from 'zod'
import { geometry } from './contract.ts'
import { instant, text, uri } from './formats.ts'

const spatial = z.strictObject({
  op: z.enum([
    'S_WITHIN',
    'S_CONTAINS',
    'S_INTERSECTS',
    'S_DISJOINT',
    'S_OVERLAPS',
    'S_CROSSES',
    'S_TOUCHES',
    'S_EQUALS',
    'S_DWITHIN',
  ]),
  targets: z.union([text, z.array(text)], 'a text or a list of texts'),
  geometry: geometry.optional(),
  distanceMeters: z.number().min(0).optional(),
  quantifier: z.enum(['ANY', 'ALL', 'NONE']).optional(),
  srid: text.optional(),
})

const mediaGoal = z.enum([
  'visual-similarity',
  'visual-object-detect',
  'text-from-image',
  'text-from-audio',
  'semantic-audio-match',
  'semantic-video-match',
])

const media = z.strictObject({
  id: text.optional(),
  type: z.enum(['image', 'audio', 'video']),
  url: uri,
  contentType: text.optional(),
  textHint: text.optional(),
  language: text.optional(),
  startMs: z.int().optional(),
  endMs: z.int().optional(),
})

/** What a buyer looks for. */
export const intent = z.strictObject({
  textSearch: text.optional(),
  filters: z.looseObject({ type: z.literal('jsonpath'), expression: text }).optional(),
  spatial: z.array(spatial).optional(),
  mediaSearch: z
    .strictObject({
      media: z.array(media).optional(),
      options: z
        .strictObject({
          goals: z.array(mediaGoal).optional(),
          augment_text_search: z.boolean().optional(),
          restrict_results_to_media_proximity: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
})

/** `message` of catalog/pull: the latest catalogs, or all versions of a time. */
export const pull = z.looseObject({
  mode: z.enum(['FULL', 'INCREMENTAL']),
  filters: z.looseObject({ networkIds: z.array(text).optional(), schemaTypes: z.array(text).optional() }).optional(),
  catalogIds: z.array(text).optional(),
  limit: z.int().min(1).optional(),
  fromDate: instant.optional(),
  toDate: instant.optional(),
})

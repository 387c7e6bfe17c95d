import { createDocuments } from '../../storage/documents.ts'
import { applyBy, type Db, type Kept, type StoreTools } from '../../storage/kept.ts'
import type { MannersFact, Pause } from './watch.ts'

const OWN = 'self'

export interface MannersRead {
  pause(): Pause | undefined
}

/** A person's word that this machine rests. */
export function mannersStore(db: Db, { now }: StoreTools): Kept<MannersFact, MannersRead> {
  const pauses = createDocuments<Pause>(db, 'pause')
  return {
    apply: applyBy<MannersFact>({
      'manners.pause': ({ pause }) => pauses.put({ key: OWN, body: pause }, now()),
    }),
    read: { pause: () => pauses.get(OWN) },
  }
}

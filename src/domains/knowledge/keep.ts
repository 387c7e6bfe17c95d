import { type Commit, outcome } from '../../kernel/outcome.ts'
import type { KnowledgeFact } from './collection.ts'

/** Resolves when all of them are on the disk. */
export async function keep(commit: Commit<KnowledgeFact>, ...facts: KnowledgeFact[]): Promise<void> {
  await commit(() => outcome<KnowledgeFact>(facts))
}

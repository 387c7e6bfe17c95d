export type ReadCode = 'READ_FAILED' | 'TEXT_EMPTY' | 'TEXT_PDF' | 'TEXT_TOO_LARGE'

/** The words of a file. */
export interface ReadText {
  readonly text: string
  /** '' when the document has none. */
  readonly title: string
}

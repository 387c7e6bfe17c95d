/** What must hold after a run, and whether it does. */
export interface Invariant {
  readonly name: string
  readonly holds: boolean
  readonly detail: string
}

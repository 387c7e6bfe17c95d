/** What a check found; `fix`: what to do about it. */
export interface Finding {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'problem' | 'skipped'
  readonly said: string
  readonly fix?: string
}

export function ok(check: string, said: string): Finding {
  return { check, level: 'ok', said }
}

export function warning(check: string, said: string, fix: string): Finding {
  return { check, level: 'warning', said, fix }
}

export function problem(check: string, said: string, fix: string): Finding {
  return { check, level: 'problem', said, fix }
}

export function skipped(check: string, said: string): Finding {
  return { check, level: 'skipped', said }
}

import { readFileSync } from 'node:fs'
import { CodedError, messageOf } from '../../kernel/errors.ts'

/** What a household uses and makes in a slot, by the slot's number since the start of time. */
export type Profile = (slotNumber: number) => { readonly loadWh: number; readonly solarWh: number }

export function constantProfile(loadWh: number, solarWh: number): Profile {
  return () => ({ loadWh, solarWh })
}

/** A CSV file with the columns load_wh and solar_wh, a row a slot, repeated from its start when it ends. */
export function openProfile(file: string): Profile {
  const [header = '', ...lines] = read(file).trim().split(/\r?\n/)
  const columns = header.split(',').map(name => name.trim())
  const [load, solar] = [columns.indexOf('load_wh'), columns.indexOf('solar_wh')]
  if (load === -1 || solar === -1 || lines.length === 0) {
    throw bad(
      file,
      `its first line must name the columns load_wh and solar_wh, and rows must follow; it says "${header.slice(0, 80)}"`,
    )
  }
  const rows = lines.map((line, i) => {
    const cells = line.split(',')
    return { loadWh: wattHours(cells[load], file, i), solarWh: wattHours(cells[solar], file, i) }
  })
  return slotNumber => rows[slotNumber % rows.length] ?? { loadWh: 0, solarWh: 0 }
}

function wattHours(cell: string | undefined, file: string, row: number): number {
  const value = Number(cell)
  if (cell === undefined || cell.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw bad(file, `row ${row + 2}: "${cell ?? ''}" is no energy in Wh`)
  }
  return Math.round(value)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw bad(file, messageOf(error), error)
  }
}

function bad(file: string, why: string, cause?: unknown): CodedError {
  const hint = 'check household.dataFile'
  return new CodedError(
    'ENERGY_PROFILE',
    `cannot use ${file}: ${why}`,
    cause === undefined ? { hint } : { hint, cause },
  )
}

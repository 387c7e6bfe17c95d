/** The numbers of a CSV text, by the names of its columns; what is no number is NaN. */
export function columnsOf(text: string): Map<string, number[]> {
  const [header = '', ...rows] = text.trim().split(/\r?\n/)
  const cells = rows.map(row => row.split(','))
  return new Map(header.split(',').map((name, i) => [name, cells.map(row => Number(row[i] ?? ''))]))
}

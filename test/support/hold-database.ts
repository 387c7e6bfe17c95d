/** Opens the storage of a data directory and holds it until its standard input ends. */
import { systemClock } from '../../src/kernel/clock.ts'
import { createMetrics } from '../../src/kernel/metrics.ts'
import { openStorage } from '../../src/storage/storage.ts'

const storage = openStorage(process.argv[2] ?? '', { clock: systemClock, metrics: createMetrics() })
process.stdout.write('held\n')
process.stdin.on('end', () => storage.stop()).resume()

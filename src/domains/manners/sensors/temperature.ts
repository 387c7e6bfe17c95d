import { readdir, readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { join } from 'node:path'

/** A sensor that shows less or more is broken, or none of a processor. */
const [minC, maxC] = [1, 150]
/** A server has dozens of zones; more than this is not looked at. */
const maxZones = 64

/** Of the hottest part of the processor. */
export async function readTemperature(): Promise<number | undefined> {
  if (platform() === 'linux') return readZones('/sys/class')
  const { cpuTemperature } = await import('systeminformation')
  const { main, max } = await cpuTemperature()
  return plausible(Math.max(main ?? Number.NaN, max ?? main ?? Number.NaN))
}

/** Linux from its own files: `systeminformation` asks shells there, one of them while everything else waits. */
export async function readZones(folder: string): Promise<number | undefined> {
  const found = await Promise.all([
    hottest(join(folder, 'thermal'), { name: 'type', wanted: /cpu|soc|pkg|core|acpitz/i, value: /^temp$/ }),
    hottest(join(folder, 'hwmon'), {
      name: 'name',
      wanted: /coretemp|k10temp|zenpower|cpu/i,
      value: /^temp\d+_input$/,
    }),
  ])
  return found.flat().length === 0 ? undefined : Math.max(...found.flat())
}

async function hottest(
  folder: string,
  { name, wanted, value }: { name: string; wanted: RegExp; value: RegExp },
): Promise<number[]> {
  const zones = await readdir(folder).catch(() => [])
  const temperatures = await Promise.all(
    zones.slice(0, maxZones).map(async zone => {
      const path = join(folder, zone)
      const is = await readFile(join(path, name), 'utf8').catch(() => '')
      if (!wanted.test(is)) return []
      const files = (await readdir(path).catch(() => [])).filter(file => value.test(file)).slice(0, maxZones)
      return Promise.all(files.map(file => readMilli(join(path, file))))
    }),
  )
  return temperatures.flat().filter(temperature => temperature !== undefined)
}

async function readMilli(file: string): Promise<number | undefined> {
  return plausible(Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10) / 1000)
}

function plausible(temperatureC: number): number | undefined {
  return temperatureC >= minC && temperatureC <= maxC ? temperatureC : undefined
}

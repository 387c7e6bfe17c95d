import { execFile } from 'node:child_process'
import { platform } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** As NetworkManager sees it. Undefined where it is not in charge, which counts as not metered. */
export async function readMetered(): Promise<boolean | undefined> {
  if (platform() !== 'linux') return undefined
  const { stdout } = await run('nmcli', ['-t', '-f', 'GENERAL.STATE,GENERAL.METERED', 'device', 'show'], {
    timeout: 2_000,
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin:/usr/local/bin:/sbin' },
  })
  return isMetered(stdout)
}

/**
 * Lines such as `GENERAL.STATE:100 (connected)` and `GENERAL.METERED:yes (guessed)`, a state first for each device. Only
 * connected devices count, and one that is metered is enough: which of them a message takes is not ours to know.
 */
export function isMetered(text: string): boolean | undefined {
  let connected = false
  const said: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('GENERAL.STATE:')) connected = line.startsWith('GENERAL.STATE:100')
    const metered = /^GENERAL\.METERED:(yes|no)\b/.exec(line)?.[1]
    if (connected && metered !== undefined) said.push(metered)
  }
  return said.length === 0 ? undefined : said.includes('yes')
}

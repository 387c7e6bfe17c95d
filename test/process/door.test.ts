import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** What a Debian 12 or a Raspberry Pi OS of the same age has before anything is installed. */
const PLAIN_DEBIAN = {
  libraries: [
    'ld-linux-x86-64.so.2',
    'ld-linux-aarch64.so.1',
    'libc.so.6',
    'libdl.so.2',
    'libgcc_s.so.1',
    'libm.so.6',
    'libpthread.so.0',
    'libstdc++.so.6',
  ],
  versions: { GLIBC: [2, 36], GLIBCXX: [3, 4, 30] },
}
const OURS = `node_modules/node-linux-${process.arch}/bin/node`

describe.skipIf(!existsSync(OURS))('the Node that comes with wattmesh', () => {
  const listed = () => execFileSync('ldd', ['-v', OURS], { encoding: 'utf8' })

  it('needs no library that a plain Debian 12 lacks', () => {
    const [libraries = ''] = listed().split('Version information:')
    const names = [...libraries.matchAll(/([\w.+-]+\.so[.\d]*) /g)].map(match => match[1] ?? '')
    const needed = names.filter(name => name !== 'linux-vdso.so.1')
    expect(needed).toContain('libc.so.6')
    expect(needed.filter(name => !PLAIN_DEBIAN.libraries.includes(name))).toEqual([])
  })

  it('needs no newer version of one than Debian 12 has', () => {
    // After the version information of Node stands that of each of its libraries, which the system answers for.
    const [, own = ''] = (listed().split('Version information:')[1] ?? '').split(/\n\t\S.*:\n/)
    const asked = [...own.matchAll(/\((GLIBC|GLIBCXX)_([\d.]+)\)/g)]
    expect(asked.length).toBeGreaterThan(5)
    const tooNew = asked.filter(([, name, version = '']) => {
      const most = PLAIN_DEBIAN.versions[name as 'GLIBC' | 'GLIBCXX']
      return compare(version.split('.').map(Number), most) > 0
    })
    expect(tooNew.map(match => match[0])).toEqual([])
  })
})

describe('the launcher', () => {
  let root: string
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'wattmesh door-'))
    mkdirSync(join(root, 'scripts'))
    cpSync('scripts/node', join(root, 'scripts/node'))
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  function place(path: string, script: string): void {
    const file = join(root, path)
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
  }
  const start = (path: string) =>
    spawnSync(join(root, 'scripts/node'), ['-p', '1 + 1'], {
      encoding: 'utf8',
      env: { PATH: `${path}:/usr/bin:/bin` },
    })

  it('finds Node inside its package, with no link in .bin, in a folder with a space', () => {
    const bin = join(root, 'node_modules/node-linux-test/bin')
    mkdirSync(bin, { recursive: true })
    symlinkSync(process.execPath, join(bin, 'node'))
    expect(start('/nowhere').stdout).toBe('2\n')
    rmSync(join(root, 'node_modules'), { recursive: true })
  })

  it('passes over a Node that does not start, and one that is too old, for the system’s', () => {
    place('node_modules/node-linux-test/bin/node', 'echo "libatomic.so.1: cannot open" >&2; exit 127')
    place('old/node', 'echo v20.20.2')
    mkdirSync(join(root, 'new'))
    symlinkSync(process.execPath, join(root, 'new/node'))
    expect(start(`${join(root, 'old')}:${join(root, 'new')}`).stdout).toBe('2\n')
  })

  it('says of each Node it found why it was not taken, and what to do', () => {
    place('node_modules/node-linux-test/bin/node', 'echo "libatomic.so.1: cannot open" >&2; exit 127')
    place('old/node', 'echo v20.20.2')
    mkdirSync(join(root, 'tools'))
    symlinkSync('/usr/bin/dirname', join(root, 'tools/dirname'))
    const { status, stderr } = spawnSync('/bin/sh', [join(root, 'scripts/node'), '-v'], {
      encoding: 'utf8',
      env: { PATH: `${join(root, 'old')}:${join(root, 'tools')}` },
    })
    expect(status).toBe(127)
    expect(stderr).toContain('libatomic.so.1: cannot open')
    expect(stderr).toContain('is v20.20.2')
    expect(stderr).toContain('run "npm ci"')
  })
})

function compare(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((part, at) => part !== (b[at] ?? 0))
  return differs === -1 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0)
}

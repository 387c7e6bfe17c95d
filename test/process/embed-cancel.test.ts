import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const source = (file: string): string => new URL(`../../${file}`, import.meta.url).href

/** A kind that embeds with the real model without end, and without a look at whether that is still wanted. */
const deafModule = `
const nobodyAborts = new AbortController().signal
const text = 'Somebody sells solar energy to a neighbour at night. '.repeat(9)
async function run(_input, _params, { embedder, progress }) {
  for (let n = 1; ; n++) {
    await embedder.embed([text], nobodyAborts)
    progress(n, n + 1)
  }
}
export const kinds = { deaf: { asks: { embedder: true }, run } }
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wattmesh-embed-'))
  await writeFile(path.join(folder, 'deaf.mjs'), deafModule)
})
afterAll(() => rm(folder, { recursive: true }))

/** How such runs ended; rejects when the process did not live. */
async function endsOf(what: string, times: number): Promise<unknown> {
  const child = fileURLToPath(source('test/support/embedding-child.ts'))
  const module = pathToFileURL(path.join(folder, 'deaf.mjs')).href
  const args = ['--disable-warning=ExperimentalWarning', child, what, String(times), module]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

test('a part ended at any moment while its thread starts and opens the model costs the thread, not the process', async () => {
  expect(await endsOf('opening', 20)).toEqual(['TASK_CANCELLED'])
}, 180_000)

test('a part ended at any moment while it computes costs the thread, not the process, and the next one runs', async () => {
  expect(await endsOf('computing', 8)).toEqual(['TASK_CANCELLED, then done', 'TASK_TIMEOUT, then done'])
}, 180_000)

test('a stop in the middle of computing ends the threads, and not the process before its time', async () => {
  expect(await endsOf('everything', 4)).toEqual(['TASK_CANCELLED'])
}, 180_000)

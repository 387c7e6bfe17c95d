import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { becknMessage } from '../support/beckn-messages.ts'
import { cliBench } from '../support/cli-daemons.ts'
import { BECKN_ABSENT, becknExamples } from '../support/official-beckn.ts'

test('each file gets its line: verdict, code, place and reason; one refused is exit code 1', async () => {
  await using bench = cliBench()
  const write = (name: string, text: string | Uint8Array) => writeFileSync(join(bench.folder, name), text)
  const late = becknMessage('confirm')
  late.context['version'] = '1.1.0'
  write('good.json', JSON.stringify(becknMessage('init')))
  write('old.json', JSON.stringify(late))
  write('text.json', 'hello')
  write('empty.json', '')
  write('binary.json', Buffer.from([0xff, 0xfe, 0]))
  write('huge.json', `"${'x'.repeat(1024 * 1024)}"`)
  mkdirSync(join(bench.folder, 'folder'))

  expect(await bench.run(bench.home('a'), ['beckn', 'validate', 'good.json'])).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/^✔ +good\.json +init +accepted$/m),
  })
  const files = [
    'good.json',
    'old.json',
    'text.json',
    'empty.json',
    'binary.json',
    'huge.json',
    'folder',
    'missing.json',
  ]
  const { code, out, err } = await bench.run(bench.home('a'), ['beckn', 'validate', ...files])
  expect([code, err]).toEqual([1, ''])
  const lines = out.split('\n').slice(1, -1)
  const expected = [
    /^✔ +good\.json +init +accepted$/,
    /^✘ +old\.json +confirm +refused +CTX_VERSION_UNSUPPORTED +\$\.context\.version +expected 2\.0\.0; found "1\.1\.0"$/,
    /^✘ +text\.json +– +refused +CLI_BAD_FILE +no JSON: /,
    /^✘ +empty\.json +– +refused +CLI_BAD_FILE +empty/,
    /^✘ +binary\.json +– +refused +CLI_BAD_FILE +no JSON: /,
    /^✘ +huge\.json +– +refused +CLI_BAD_FILE +larger than 1048576 bytes/,
    /^✘ +folder +– +refused +CLI_BAD_FILE +a folder/,
    /^✘ +missing\.json +– +refused +CLI_BAD_FILE +does not exist/,
  ]
  expect(lines).toEqual(expected.map(line => expect.stringMatching(line)))
})

test('programs get the same as JSON', async () => {
  await using bench = cliBench()
  const message = becknMessage('select')
  delete message.context['messageId']
  writeFileSync(join(bench.folder, 'a.json'), JSON.stringify(message))
  const { code, out } = await bench.run(bench.home('a'), ['beckn', 'validate', '--json', 'a.json'])
  expect(code).toBe(1)
  expect(JSON.parse(out)).toEqual([
    {
      file: 'a.json',
      ok: false,
      action: 'select',
      code: 'CTX_MISSING_FIELD',
      path: '$.context.messageId',
      message: 'missing; select needs it',
    },
  ])
})

const REASON = BECKN_ABSENT ? ' (skipped: the official examples are not at hand)' : ''
describe.skipIf(BECKN_ABSENT)(`official messages${REASON}`, () => {
  test('every example is accepted', async () => {
    await using bench = cliBench()
    const files = becknExamples().map(({ file }) => file)
    const { code, out } = await bench.run(bench.home('a'), ['beckn', 'validate', ...files])
    expect([code, out.match(/^✔/gm)?.length]).toEqual([0, files.length])
  })
})

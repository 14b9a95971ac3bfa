import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { execPath } from 'node:process'
import { expect, test } from 'vitest'
import { Canaries } from './support/canaries.ts'

const root = resolve(import.meta.dirname, '..')

// test/setup.ts runs the scan over each file of tests; here it runs over one whose tests pass, and leak.
test('a secret that any test lets out fails its file, wherever it was and in whatever form', () => {
  const vitest = resolve(root, 'node_modules/vitest/vitest.mjs')
  const run = spawnSync(execPath, [vitest, 'run', '--root', '.', '--config', 'test/fixtures/leaks/vitest.config.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, NO_COLOR: '1' },
  })
  expect(run.status).toBe(1)
  expect(run.stderr + run.stdout).not.toMatch(/ FAIL .* > /)
  const found = [...(run.stderr + run.stdout).matchAll(/^\+ {3}"(.*)…( in .*)",$/gm)]
  expect(found.map(([, secret = '', where = '']) => secret.replaceAll('\\', '') + where)).toEqual([
    'of-a-message in a scrubbed text',
    'of-an-error in a scrubbed text',
    'of/an/addres in a scrubbed text',
    'of "json" in a scrubbed text',
    'of-a-header in a header',
    'of-a-body in an answer',
    'of-arguments in the arguments of a child',
    'of-an-enviro in the environment of a child',
    'of-the-outpu in what was printed',
  ])
})

test.each([
  ['as it is', 'a s3cr3t/"canary"'],
  ['in a URL', encodeURIComponent('a s3cr3t/"canary"')],
  ['in JSON', JSON.stringify({ token: 'a s3cr3t/"canary"' })],
  ['in base64', Buffer.from('a s3cr3t/"canary"').toString('base64')],
  ['behind a user in base64', Buffer.from('u:a s3cr3t/"canary"').toString('base64')],
  ['amid a text in base64 of URLs', Buffer.from('to: a s3cr3t/"canary" and more').toString('base64url')],
])('a secret is found %s', (_, text) => {
  const canaries = new Canaries()
  canaries.add('a s3cr3t/"canary"')
  expect(canaries.in(`before ${text} behind`)).toHaveLength(1)
  expect(canaries.in(`before ${text.slice(0, 9)} behind`)).toEqual([])
})

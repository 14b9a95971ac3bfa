import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { ConfigInvalid } from '../../src/config/invalid.ts'
import { loadConfig } from '../../src/config/load.ts'

const canary = 'c4n4ry-0f-4-s3cr3t'
const ancestor = readFileSync(resolve(import.meta.dirname, 'ancestor.yaml'), 'utf8')
  .replace('PENDING-FORGEJO-PAT', canary)
  .replace('supersecret', canary)

const folder = mkdtempSync(join(tmpdir(), 'muster-config-'))
const file = join(folder, 'autoscaler.yaml')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the loader says to a text: null when it is content. Anything thrown but `ConfigInvalid` fails the test. */
function said(text: string): string | null {
  writeFileSync(file, text)
  try {
    loadConfig(file, { HOME: '/root' })
    return null
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error
    expect(error.problems.length).toBeGreaterThan(0)
    for (const { line, column, message } of error.problems) {
      expect(line).toBeGreaterThan(0)
      expect(column).toBeGreaterThan(0)
      expect(message).not.toBe('')
    }
    return error.message + JSON.stringify(error.problems)
  }
}

const runs = { numRuns: 150 }
const anyPiece = fc.oneof(
  fc.string({ maxLength: 6, unit: 'binary' }),
  fc.constantFrom(
    '\n',
    '  ',
    '\t',
    ':',
    ': ',
    '- ',
    '"',
    "'",
    '[',
    '{',
    '}',
    ']',
    '&a ',
    '*a',
    '!x ',
    '---\n',
    '? ',
    '|',
    '>',
    '${',
    '$${HOME}',
    '#',
    '0',
    '~',
    '%',
  ),
)

test('no text at all crashes the loader', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(anyPiece).map((pieces) => pieces.join('')),
      ),
      (text) => {
        expect(said(text)).not.toBeNull()
      },
    ),
    runs,
  )
})

test('a right file with something put in anywhere never crashes the loader, and never shows a secret', () => {
  const place = fc.nat({ max: ancestor.length })
  fc.assert(
    fc.property(fc.array(fc.tuple(place, anyPiece), { minLength: 1, maxLength: 3 }), (edits) => {
      const text = edits.reduce((now, [at, piece]) => now.slice(0, at) + piece + now.slice(at), ancestor)
      expect(said(text) ?? '').not.toContain(canary)
    }),
    runs,
  )
})

test('a right file that lacks lines never crashes the loader, and never shows a secret', () => {
  const lines = ancestor.split('\n')
  fc.assert(
    fc.property(fc.subarray(lines), (some) => {
      expect(said(some.join('\n')) ?? '').not.toContain(canary)
    }),
    runs,
  )
})

// JSON is YAML: the known keys with values of any shape.
const key = fc.constantFrom(
  'listen',
  'max_body',
  'admin',
  'tokens',
  'state',
  'owner',
  'dispatcher',
  'dispatchers',
  'kind',
  'url',
  'command',
  'instances',
  'name',
  'forgejo',
  'github',
  'base_url',
  'app_id',
  'scope',
  'level',
  'webhook',
  'poll_interval',
  'targets',
  'labels',
  'env',
  'schedule',
  'cron',
  'timezone',
  'max',
  'min_idle',
  'dispatcher_api',
  'enabled',
  'toString',
  '__proto__',
  'constructor',
)
const secretKey = fc.constantFrom('token', 'webhook_secret', 'token_env', 'token_file', 'token_credential')
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom('x', 'http', 'docker', '30s', '', ':1', 'sqlite:x', 'acme/*', '* * * * *'),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('mapping'),
  ),
  mapping: fc
    .tuple(
      fc.dictionary(key, tie('value'), { maxKeys: 6 }),
      fc.dictionary(secretKey, fc.constant(canary), { maxKeys: 1 }),
    )
    .map(([plain, secret]) => ({ ...plain, ...secret })),
}))

test('known keys with values of any shape never crash the loader, and never show a secret', () => {
  const root = fc.record(
    {
      instances: fc.array(value, { maxLength: 2 }),
      listen: value,
      admin: value,
      dispatcher: value,
      dispatchers: value,
      state: value,
      dispatcher_api: value,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(root, (tree) => {
      expect(said(JSON.stringify(tree)) ?? '').not.toContain(canary)
    }),
    { numRuns: 400 },
  )
})

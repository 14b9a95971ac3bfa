import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const src = resolve(import.meta.dirname, '../src')

/** Anyone may import these: ports and the vocabulary of values. */
const everywhere = ['clock.ts', 'ids.ts', 'secret.ts']
const interfaces = [
  'forges/forge.ts',
  'forges/errors.ts',
  'dispatchers/dispatcher.ts',
  'dispatchers/errors.ts',
  'store/store.ts',
]

/** Who may import whom: a folder or a file, the first that fits. No arrow turns back. */
const table: { from: string; may: string[]; packages: string[] | 'any' }[] = [
  { from: 'core/', may: ['core/'], packages: ['croner'] },
  { from: 'clock.ts', may: [], packages: [] },
  { from: 'ids.ts', may: [], packages: [] },
  { from: 'secret.ts', may: [], packages: [] },
  { from: 'log.ts', may: [], packages: ['pino'] },
  { from: 'metrics.ts', may: [], packages: ['prom-client'] },
  { from: 'http-client.ts', may: [], packages: [] },
  { from: 'fields', may: ['fields.ts', 'fields/'], packages: ['zod', 'yaml'] },
  ...siblings('forges', ['forgejo', 'gitea', 'github'], ['zod']),
  { from: 'forges/index.ts', may: ['forges/'], packages: [] },
  {
    from: 'forges/',
    may: ['core/', 'http-client.ts', 'fields.ts', 'fields/', 'forges/*'],
    packages: ['zod', '@octokit/webhooks-methods'],
  },
  ...siblings('dispatchers', ['http', 'process'], ['zod']),
  { from: 'dispatchers/index.ts', may: ['dispatchers/'], packages: [] },
  {
    from: 'dispatchers/',
    may: ['core/', 'http-client.ts', 'fields.ts', 'fields/', 'dispatchers/*'],
    packages: ['zod'],
  },
  { from: 'store/', may: ['core/', 'store/'], packages: [] },
  {
    from: 'config/',
    may: [
      'core/',
      'config/',
      'fields.ts',
      'fields/',
      'forges/index.ts',
      'forges/forge.ts',
      'dispatchers/index.ts',
      'dispatchers/dispatcher.ts',
    ],
    packages: ['zod', 'yaml', 'croner'],
  },
  { from: 'worker/', may: ['core/', 'worker/', ...interfaces, 'log.ts', 'metrics.ts'], packages: [] },
  {
    from: 'server/',
    may: ['core/', 'server/', ...interfaces, 'log.ts', 'metrics.ts', 'config/config.ts'],
    packages: ['hono', '@hono/node-server', '@hono/zod-openapi', 'zod'],
  },
  { from: 'simulation/', may: ['core/', 'simulation/', ...interfaces], packages: ['hono', '@hono/node-server'] },
  { from: 'app.ts', may: ['*'], packages: [] },
  {
    from: 'commands/',
    may: ['app.ts', 'log.ts', 'commands/', 'config/', 'simulation/', 'core/', 'worker/'],
    packages: 'any',
  },
  { from: 'main.ts', may: ['commands/'], packages: [] },
]

/** The folders of one seam never see each other, only what they share. */
function siblings(seam: string, folders: string[], packages: string[]): typeof table {
  return folders.map((folder) => ({
    from: `${seam}/${folder}/`,
    may: ['core/', 'http-client.ts', 'fields.ts', 'fields/', `${seam}/*`, `${seam}/${folder}/`],
    packages,
  }))
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  const found = text.matchAll(
    /^(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
}

function isAllowed(file: string, specifier: string): boolean {
  const rule = table.find(({ from }) => file.startsWith(from))
  if (!rule) return false
  if (specifier.startsWith('node:')) return !file.startsWith('core/')
  if (!specifier.startsWith('.')) {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    return rule.packages === 'any' || rule.packages.includes(name)
  }
  const to = relative(src, resolve(src, dirname(file), specifier))
  return [...everywhere, ...rule.may].some((allowed) => fitsRule(to, allowed))
}

/** `a/` is all of a folder, `a/*` its files without its folders, `*` everything. */
function fitsRule(to: string, allowed: string): boolean {
  if (allowed === '*') return true
  if (allowed.endsWith('/*')) return dirname(to) === allowed.slice(0, -2) && !to.endsWith('/index.ts')
  return allowed.endsWith('/') ? to.startsWith(allowed) : to === allowed
}

describe('the house', () => {
  test.each(files)('%s imports only what its room may see', (file) => {
    expect(importsOf(file).filter((specifier) => !isAllowed(file, specifier))).toEqual([])
  })

  test('core reads no clock, rolls no dice, waits for nothing', () => {
    const impure =
      /\bDate\.now\b|new Date\(\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bprocess\.|\bfetch\(|\bawait\b|\basync\b|\bconsole\./
    const found = files
      .filter((file) => file.startsWith('core/'))
      .filter((file) => impure.test(readFileSync(join(src, file), 'utf8')))
    expect(found).toEqual([])
  })

  test('the way out over HTTP is one module', () => {
    const reaching = /from 'node:https?'|\bfetch\(/
    const allowed = /^(http-client\.ts|server\/|simulation\/)/
    expect(files.filter((file) => !allowed.test(file) && reaching.test(readFileSync(join(src, file), 'utf8')))).toEqual(
      [],
    )
  })

  test('no file is an attic', () => {
    expect(files.filter((file) => /utils?|helpers?|manager|service|common|misc/i.test(file))).toEqual([])
    const long = files.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 300)
    expect(long).toEqual([])
  })
})

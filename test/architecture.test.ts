import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { everywhere, importTable } from './support/import-table.ts'

const src = resolve(import.meta.dirname, '../src')

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  const found = text.matchAll(
    /^(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
}

function isAllowed(file: string, specifier: string): boolean {
  const rule = importTable.find(({ from }) => file.startsWith(from))
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

  test('no program is started through a shell, and no text is run as code', () => {
    const running =
      /\bshell: *true|\bimport \{[^}]*\bexec(?:Sync)?\b[^}]*\} from 'node:child_process'|from 'node:vm'|\beval\(|\bnew Function\(/
    expect(files.filter((file) => running.test(readFileSync(join(src, file), 'utf8')))).toEqual([])
  })

  test('SQL is written in the store alone, and no value is put between its quotes', () => {
    const texts = files.map((file) => [file, readFileSync(join(src, file), 'utf8')] as const)
    const speaking = /\b(?:SELECT .+ FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b/
    expect(
      texts.filter(([file, text]) => !file.startsWith('store/') && speaking.test(text)).map(([file]) => file),
    ).toEqual([])
    // One constant of ours stands there; everything else goes in as a parameter.
    const quoted = texts.flatMap(([file, text]) =>
      file.startsWith('store/') ? [...text.matchAll(/'\$\{([^}]*)\}'/g)].map(([, name]) => name) : [],
    )
    expect(new Set(quoted)).toEqual(new Set(['requestTarget']))
  })

  test('a secret is revealed where it is used, and nowhere that tells of it', () => {
    const revealing = files.filter((file) => /\.reveal\(\)/.test(readFileSync(join(src, file), 'utf8')))
    const inHouse = /^(?:core|store|worker|server|simulation)\/|^(?:log|metrics|delivery-record)\.ts/
    // Two compare what callers bring, one hands the webhook's secret to the forge.
    expect(revealing.filter((file) => inHouse.test(file))).toEqual([
      'server/auth.ts',
      'server/session.ts',
      'worker/hook.ts',
    ])
  })

  test('no file is an attic', () => {
    expect(files.filter((file) => /utils?|helpers?|manager|service|common|misc/i.test(file))).toEqual([])
    const long = files.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 300)
    expect(long).toEqual([])
  })
})

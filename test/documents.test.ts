import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { eventTypes } from '../src/core/event.ts'
import { verdictKinds } from '../src/core/verdict.ts'
import { createMetrics } from '../src/metrics.ts'
import { access } from '../src/server/access.ts'
import { type ImportRule, importTable, interfaces } from './support/import-table.ts'

const root = resolve(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const documents = [
  ...readdirSync(root),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((path) => join('docs', path)),
].filter((path) => path.endsWith('.md'))

describe('every document', () => {
  test.each(documents)('%s links to files and headings that exist', (document) => {
    const links = [...prose(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !leadsSomewhere(document, link))).toEqual([])
  })

  test.each(documents)('%s names files of this repository that exist', (document) => {
    const named = [...prose(document).matchAll(/`((?:src|test|docs|deploy|bench|bin|tools|\.ci)\/[\w./-]*)`/g)]
    expect(named.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test.each(documents)('%s names npm scripts that exist', (document) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...read(document).matchAll(/\bnpm (?:run (\w+)|(start|test)\b)/g)].map(
      ([, run, short]) => run ?? short,
    )
    expect(named.filter((name) => name !== undefined && !Object.hasOwn(scripts, name))).toEqual([])
  })

  test.each(configurations())('%s, configuration %i, loads without a warning', (_document, _number, yaml) => {
    expect(loadText(yaml).warnings).toEqual([])
  })
})

describe('the architecture page', () => {
  test('shows the import table that the test enforces', () => {
    const [, shown = ''] = /<!-- import table.*?-->\n([\s\S]*?)<!-- end/.exec(read('ARCHITECTURE.md')) ?? []
    const rows = shown.split('\n').filter((line) => line.startsWith('| `'))
    expect(rows).toEqual(importTable.map(tableRow))
  })

  test('draws a tree that has every file of src, and none that is not there', () => {
    const drawn = drawnTree()
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `src/${path}`)
    const folders = drawn.filter(
      (path) => path.endsWith('/') && !drawn.some((other) => other !== path && other.startsWith(path)),
    )
    expect(drawn.filter((path) => !existsSync(join(root, path)))).toEqual([])
    expect(files.filter((file) => !drawn.includes(file) && !folders.some((folder) => file.startsWith(folder)))).toEqual(
      [],
    )
  })
})

describe('the references', () => {
  test('name every metric with its labels', () => {
    const rows = read('docs/reference/metrics.md').split('\n')
    const lacking = createMetrics()
      .registry.getMetricsAsArray()
      .filter(
        (metric) =>
          !rows.some((row) => row.startsWith(`| \`${metric.name}\` | ${metric.type} | ${labelsOf(metric)} |`)),
      )
    expect(lacking.map(({ name }) => name)).toEqual([])
  })

  test('name every route of the admin listener with its role, and none that is not there', () => {
    const rows = [...read('docs/reference/api.md').matchAll(/^\| `((?:GET|POST) [^`]+)` \| (\w+) \|/gm)]
    const told = rows.map(([, route = '', role]) => [route.replaceAll(/\{(\w+)\}/g, ':$1'), role])
    expect(new Map(told as [string, string][])).toEqual(new Map(access))
  })

  // Files that do not exist are found by the test of every document.
  test('have a line for each promise, fault, refusal and security row, and a test in each', () => {
    const numbered = (letter: string, last: number) =>
      Array.from({ length: last }, (_, index) => `${letter}${index + 1}`)
    const rows = [...read('docs/reference/promises.md').matchAll(/^\| ([PFCR]\d+) \| (.+) \| (.+) \|$/gm)]
    expect(rows.map(([, id]) => id)).toEqual([
      ...numbered('P', 25),
      ...numbered('F', 48),
      ...numbered('C', 28),
      ...numbered('R', 36),
    ])
    const unshown = rows.filter(([, , , shown = '']) => !/`test\/[\w./-]+\.ts`/.test(shown))
    expect(unshown.map(([, id]) => id)).toEqual([])
  })

  test('explain every verdict', () => {
    const page = read('docs/reference/api.md')
    expect(verdictKinds.filter((kind) => !page.includes(`\n| \`${kind}\``))).toEqual([])
  })

  test('name every type of event, and none that is not there', () => {
    const rows = [...read('docs/reference/events.md').matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)]
    const told = rows.flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', '))
    expect(told.sort()).toEqual([...eventTypes].sort())
  })

  test('of the configuration names every key that the example shows', () => {
    const page = read('docs/reference/configuration.md')
    const shown = [...read('autoscaler.example.yaml').matchAll(/^ *(?:#: )? *(?:- )?([a-z_]+):/gm)].map(
      ([, key = '']) => key,
    )
    const named = new Set(shown.filter((key) => !namesOfTheExample.includes(key)))
    expect([...named].filter((key) => !new RegExp(`\`[^\`]*\\b${key}\\b[^\`]*\``).test(page))).toEqual([])
  })

  // That the example loads with every line of it is tested where the configuration is.
  test('of the configuration names no key that the example does not show', () => {
    const example = read('autoscaler.example.yaml')
    const rows = read('docs/reference/configuration.md').matchAll(/^\| (`[^|]+`) \|(.*)$/gm)
    const built = [...rows].filter(([, , meaning = '']) => !/^[^.;]*not supported yet/.test(meaning))
    const keys = built.flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(?:\w+\.)*(\w+)[^`]*`/g)].map(([, key = '']) => key),
    )
    expect(keys.filter((key) => !new RegExp(`\\b${key}: `).test(example) && !example.includes(`${key}:\n`))).toEqual([])
  })
})

/** Names that the example gives to its own instances and dispatchers. */
const namesOfTheExample = ['default', 'elsewhere']

function labelsOf(metric: object): string {
  const labels = 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : []
  return labels.map((label) => `\`${label}\``).join(', ')
}

/** A document without its blocks of code. */
function prose(document: string): string {
  return read(document).replaceAll(/^```[\s\S]*?^```/gm, '')
}

function leadsSomewhere(document: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true
  const [path = '', heading] = link.split('#')
  const file = path === '' ? document : relative(root, resolve(root, dirname(document), path))
  if (!existsSync(join(root, file))) return false
  return heading === undefined || headings(file).includes(heading)
}

/** The anchors that forges make of headings. */
function headings(document: string): string[] {
  return [...prose(document).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Every block of YAML that is a whole configuration. */
function configurations(): [string, number, string][] {
  return documents.flatMap((document) => {
    const blocks = [...read(document).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text)
    const whole = blocks.filter((text) => /^instances:/m.test(text))
    return whole.map((text, index): [string, number, string] => [document, index + 1, text])
  })
}

/** Loads a configuration with a long value for each variable, file and credential that it names. */
function loadText(yaml: string) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-documents-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const secret = (name: string) => `the value of ${name}, which is long enough`.replaceAll(' ', '-')
  const named = (pattern: RegExp) => [...yaml.matchAll(pattern)].map(([, name = '']) => name)
  for (const name of named(/_credential: ([\w-]+)/g)) writeFileSync(join(folder, name), secret(name))
  for (const path of named(/_file: \/run\/secrets\/([\w-]+)/g)) writeFileSync(join(folder, path), secret(path))
  const variables = named(/_env: (\w+)/g).map((name) => [name, secret(name)])
  writeFileSync(join(folder, 'autoscaler.yaml'), yaml.replaceAll('/run/secrets', folder))
  return loadConfig(join(folder, 'autoscaler.yaml'), {
    ...Object.fromEntries(variables),
    CREDENTIALS_DIRECTORY: folder,
  })
}

function tableRow({ from, may, packages }: ImportRule): string {
  const seams = interfaces.every((path) => may.includes(path))
  const paths = may.filter((path) => !seams || !interfaces.includes(path)).map((path) => `\`${path}\``)
  const things = packages === 'any' ? ['any'] : packages.map((name) => `\`${name}\``)
  return `| \`${from}\` | ${[...paths, ...(seams ? ['the seams'] : [])].join(' ')} | ${things.join(' ')} |`
}

/** The paths in the tree: the names with which a line begins, below the folder that the indentation tells. */
function drawnTree(): string[] {
  const [, tree = ''] = /## Tree\n\n```\n([\s\S]*?)^```/m.exec(read('ARCHITECTURE.md')) ?? []
  const above: string[] = []
  return tree.split('\n').flatMap((line) => {
    const depth = (line.length - line.trimStart().length) / 2
    const words = line.trim().split(/\s+/)
    const end = words.findIndex((word) => !/^[\w.-]+(?:\.[jt]s|\/)$/.test(word))
    const names = end === -1 ? words : words.slice(0, end)
    above.length = depth
    const paths = names.map((name) => above.join('') + name)
    above[depth] = names[0] ?? ''
    return paths
  })
}

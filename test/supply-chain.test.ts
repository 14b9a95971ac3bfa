import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

type Named = Record<string, string>
const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Named>

interface Locked {
  version?: string
  integrity?: string
  resolved?: string
  link?: boolean
  dev?: boolean
  hasInstallScript?: boolean
}
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
/** What comes from a registry. The one folder of ours in between names the platforms of Node. */
const fetched = Object.entries(lock.packages).filter(
  ([path, { link }]) => path !== '' && !link && path !== 'tools/node-runtime',
)

describe('what Muster is made of', () => {
  test('is named in exact versions', () => {
    const { optionalDependencies } = JSON.parse(read('tools/node-runtime/package.json')) as Record<string, Named>
    const versions = [dependencies, devDependencies, optionalDependencies].flatMap((named) =>
      Object.entries(named ?? {}),
    )
    const loose = versions.filter(
      ([, version]) => !/^(\d+\.\d+\.\d+(-[\w.]+)?|file:tools\/node-runtime)$/.test(version),
    )
    expect(loose).toEqual([])
    expect(versions.length).toBeGreaterThan(20)
  })

  test('is locked with a digest of each package, and with no address that would bind an installation to one registry', () => {
    expect(fetched.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([])
    expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved?.includes('://'))).toEqual([])
    expect(fetched.length).toBeGreaterThan(200)
  })

  test('has a decision for each package that it names', () => {
    const folder = join(root, 'docs/decisions')
    const decisions = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
    const named = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => name !== 'node-runtime')
    const words = (name: string) => name.replace(/^@opentelemetry\/.*/, '@opentelemetry')
    const untold = named.filter((name) => !decisions.some((text) => text.toLowerCase().includes(words(name))))
    // Types go with what they describe.
    expect(untold.filter((name) => !name.startsWith('@types/'))).toEqual([])
  })

  test('runs no script of a package where it is put into an image', () => {
    const installs = [...read('Containerfile').matchAll(/npm (?:ci|i|install)\b[^&\n]*/g)].map(([line]) => line)
    expect(installs.length).toBeGreaterThan(0)
    expect(installs.filter((line) => !/^npm ci .*--ignore-scripts/.test(line))).toEqual([])
    // Those that have one do without it: ssh2 and cpu-features then take the slower way, protobufjs only prints.
    const scripted = fetched.filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev).map(([path]) => path)
    expect(scripted).toEqual(['cpu-features', 'protobufjs', 'ssh2'].map((name) => `node_modules/${name}`))
  })

  test('is listed whole by npm sbom', ({ skip }) => {
    if (spawnSync('npm', ['--version']).status !== 0) return skip('npm is not there')
    const told = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    const { components } = JSON.parse(told) as { components: { purl: string; hashes?: unknown[] }[] }
    const listed = new Set(components.map(({ purl }) => decodeURIComponent(purl).replace(/\?.*/, '')))
    const locked = fetched.map(([path, { version }]) => `pkg:npm/${path.replace(/^.*node_modules\//, '')}@${version}`)
    expect(locked.filter((purl) => !listed.has(purl))).toEqual([])
  })
})

describe('CI', () => {
  const run = read('.ci/run')

  test('installs what is locked, and nothing else', () => {
    expect(run).toMatch(/^npm ci /m)
    expect(run).not.toMatch(/\bnpm (?:i|install|update|exec)\b|\bnpx\b|\bcurl\b|\bwget\b|\bgit clone\b/)
  })
})

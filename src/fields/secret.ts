import { createPrivateKey } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Reading } from '../fields.ts'
import { Secret } from '../secret.ts'
import { expanded, shownVariable } from './expanded.ts'
import { type Spread, type Tell, type Tree, valueAt } from './mapping.ts'
import { foundKind } from './refusal.ts'
import { stampOf } from './stamp.ts'

/** Under which keys a secret may stand: itself, in a variable, in a file, or in a systemd credential. */
const suffixes = ['', '_env', '_file', '_credential'] as const
type Suffix = (typeof suffixes)[number]

/** A token travels in a header; a shared key only signs, so any character of it counts; a PEM is an RSA private key of many lines. */
type Use = 'token' | 'key' | 'pem'

/** Why a secret cannot be had; never with its value. */
type Had<T> = { value: T } | { problem: string }

/** Exactly one of `token`, `token_env`, `token_file`, `token_credential`. */
export function secret(reading: Reading): Spread<Secret> {
  return {
    keys,
    read(name, parent, tell) {
      const read = readSecrets(name, parent, { reading, use: 'token', tell })
      if (read?.length === 0)
        tell(
          [name],
          `expected ${keys(name)
            .join(', ')
            .replace(/, (?!.*, )/, ' or ')}, found nothing`,
        )
      return read?.[0]
    },
  }
}

/** At most one of them. */
export function optionalSecret(reading: Reading, use: 'token' | 'pem' = 'token'): Spread<Secret | null> {
  return {
    keys,
    read(name, parent, tell) {
      const read = readSecrets(name, parent, { reading, use, tell })
      return read && (read[0] ?? null)
    },
  }
}

/** At most one of them, and its value may be a list (rotation). */
export function secretList(reading: Reading): Spread<readonly Secret[]> {
  return { keys, read: (name, parent, tell) => readSecrets(name, parent, { reading, use: 'key', tell, many: true }) }
}

function keys(name: string): readonly string[] {
  return suffixes.map((suffix) => name + suffix)
}

function readSecrets(
  name: string,
  parent: Tree,
  { reading, use, tell, many = false }: { reading: Reading; use: Use; tell: Tell; many?: boolean },
): Secret[] | undefined {
  const written = suffixes.filter((suffix) => !isEmpty(valueAt(parent, name + suffix)))
  const [suffix, another] = written
  if (suffix === undefined) return []
  if (another !== undefined) {
    tell(
      [name + another],
      `expected only one of ${written.map((one) => name + one).join(' and ')}, found ${written.length}`,
    )
    return undefined
  }
  const value = valueAt(parent, name + suffix)
  const list = many && Array.isArray(value) ? value : [value]
  const path = (index: number) => (list === value ? [name + suffix, index] : [name + suffix])
  const read = list.map((one: unknown) => sources[suffix](one, use, reading))
  read.forEach((one, index) => {
    if ('problem' in one) tell(path(index), `expected ${expectations[suffix]}, ${one.problem}`)
  })
  const found = read.flatMap((one) => ('value' in one ? [one.value] : []))
  reading.secrets.push(...found)
  return found.length === read.length ? found : undefined
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}

const expectations: Record<Suffix, string> = {
  '': 'a secret',
  _env: 'the name of an environment variable',
  _file: 'the path of a file that holds the secret',
  _credential: 'the name of a systemd credential',
}

const sources: Record<Suffix, (written: unknown, use: Use, reading: Reading) => Had<Secret>> = {
  ''(written, use, { environment }) {
    if (typeof written !== 'string') return notText(written)
    const text = expanded(written, environment)
    if ('problem' in text) return text
    const had = cleaned(text.text, use)
    const [, variable] = /^\$\{(\w+)\}$/.exec(written) ?? []
    return 'problem' in had ? had : { value: new Secret(had.value, variable ? `env:${variable}` : 'value') }
  },
  _env(written, use, { environment }) {
    if (typeof written !== 'string') return notText(written)
    const value = environment[written]
    if (!value) return { problem: `found ${shownVariable(written)}, which is ${value === '' ? 'empty' : 'not set'}` }
    const had = cleaned(value, use)
    return 'problem' in had ? had : { value: new Secret(had.value, `env:${written}`) }
  },
  _file(written, use, { folder, files }) {
    if (typeof written !== 'string') return notText(written)
    const path = resolve(folder, written)
    files.push(path)
    return fileSecret(path, `file:${path}`, use)
  },
  _credential(written, use, { environment, files }) {
    if (typeof written !== 'string') return notText(written)
    const { CREDENTIALS_DIRECTORY: directory } = environment
    if (!directory) return { problem: 'found no $CREDENTIALS_DIRECTORY, systemd sets it for LoadCredential=' }
    if (/[/\0]/.test(written) || written === '..') return { problem: 'found a path, only a name is allowed here' }
    files.push(join(directory, written))
    return fileSecret(join(directory, written), `credential:${written}`, use)
  },
}

function notText(written: unknown): { problem: string } {
  const hint = typeof written === 'object' ? '' : ', put it in quotes'
  return { problem: `found ${foundKind(written)}${hint}` }
}

const largestFile = 8 * 1024

/** A secret whose file is read again when it has changed. While it cannot be read, or holds nothing usable, the last value stays. */
function fileSecret(path: string, source: string, use: Use): Had<Secret> {
  let stamp = stampOf(path)
  const first = readFile(path, use)
  if ('problem' in first) return first
  let { value } = first
  const current = (afresh: boolean) => {
    const now = stampOf(path)
    if (now === null || (now === stamp && !afresh)) return value
    const read = readFile(path, use)
    if ('problem' in read) return value
    stamp = now
    value = read.value
    return value
  }
  return { value: new Secret(current, source) }
}

function readFile(path: string, use: Use): Had<string> {
  try {
    const stat = statSync(path)
    if (!stat.isFile()) return { problem: 'found something that is no file' }
    if (stat.size > largestFile)
      return { problem: `found a file of ${stat.size} bytes, at most ${largestFile} are read` }
    return cleaned(readFileSync(path, 'utf8'), use)
  } catch (error) {
    return { problem: `found none that can be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})` }
  }
}

function cleaned(text: string, use: Use): Had<string> {
  if (use === 'pem') return rsaKey(text)
  const line = text.replace(/\r?\n$/, '')
  const value = use === 'token' ? line.trim() : line
  if (value === '') return { problem: 'found nothing in it' }
  if (/\p{Cc}/u.test(value)) return { problem: 'found a line break or another control character in it' }
  if (use === 'token' && /[^\x20-\x7e]/.test(value))
    return { problem: 'found a character in it that no header can carry' }
  return { value }
}

/** Line breaks may be written as `\\n`: an environment variable often cannot hold them. */
function rsaKey(text: string): Had<string> {
  const value = text.replaceAll('\\n', '\n').replaceAll('\r', '').trim()
  try {
    if (createPrivateKey(value).asymmetricKeyType === 'rsa') return { value }
  } catch {
    // Why is not told: the library's words may hold some of it.
  }
  return { problem: 'found no RSA private key in PEM form, without a passphrase' }
}

import { createHash } from 'node:crypto'
import { inspect } from 'node:util'

const hidden = '***'

/** A value that no log, error or answer may show. Only `reveal` gives it, at the moment of use; rotated values come with the next call. */
export class Secret {
  readonly #read: (afresh: boolean) => string
  readonly #watchers: ((value: string) => void)[] = []
  #last: string | null = null
  /** Where it comes from, safe to show: `value`, `env:NAME`, `file:/path`, `credential:NAME`. */
  readonly source: string

  constructor(read: string | ((afresh: boolean) => string), source = 'value') {
    this.#read = typeof read === 'string' ? () => read : read
    this.source = source
  }

  reveal(): string {
    return this.#revealed(false)
  }

  /** Reads it once more whether or not its file seems to have changed; true when there is another value now. */
  reread(): boolean {
    const before = this.#last
    return this.#revealed(true) !== before
  }

  #revealed(afresh: boolean): string {
    const value = this.#read(afresh)
    if (value !== this.#last) {
      this.#last = value
      for (const watcher of this.#watchers) watcher(value)
    }
    return value
  }

  /** Tells each value as it comes into use, the present one first. */
  watch(watcher: (value: string) => void): void {
    this.#watchers.push(watcher)
    watcher(this.reveal())
  }

  /** SHA-256 of the value: tells whether it is still the same one, and not what it is. */
  fingerprint(): string {
    return createHash('sha256').update(this.reveal()).digest('hex')
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  [inspect.custom](): string {
    return `Secret(${this.source})`
  }
}

/** Replaces every known secret in a text, in each form in which it may travel. */
export class Scrubber {
  /** The longest first: one that begins another must not leave the other's rest. */
  #forms: string[] = []
  /** How many secrets have each value. */
  readonly #values = new Map<string, number>()

  constructor(secrets: Iterable<Secret> = []) {
    this.know(secrets)
  }

  /** These too, with each value that they come to have. */
  know(secrets: Iterable<Secret>): void {
    for (const secret of secrets) {
      const held: string[] = []
      secret.watch((value) => {
        this.add(value)
        // Tokens that are made anew each hour would pile up; what was in use before the last few is dead.
        held.push(value)
        if (held.length > remembered) this.#forget(held.shift()!)
      })
    }
  }

  /** Values under 4 characters are left alone: they would blank out ordinary text. */
  add(value: string): void {
    if (value.length < 4) return
    const known = this.#values.get(value) ?? 0
    this.#values.set(value, known + 1)
    if (known === 0) this.#sort()
  }

  #forget(value: string): void {
    const left = (this.#values.get(value) ?? 0) - 1
    if (left > 0) this.#values.set(value, left)
    else if (this.#values.delete(value)) this.#sort()
  }

  #sort(): void {
    this.#forms = [...new Set([...this.#values.keys()].flatMap(formsOf))].sort((a, b) => b.length - a.length)
  }

  scrub(text: string): string {
    let clean = text
    for (const value of this.#forms) if (clean.includes(value)) clean = clean.replaceAll(value, hidden)
    return clean.replaceAll(shapes, hidden)
  }
}

/** How many values of one secret are known at a time: those in flight when it changed are still of use to a reader of logs. */
const remembered = 4

/** What others may put into an error although we never knew it: credentials of a header, tokens of GitHub, and of Gitea and Forgejo (40 hex digits). */
const shapes =
  /(?<=\b(?:Bearer|Basic) )[\w.~+/-]{16,}=*|\bgh[a-z]_\w{16,}|\bgithub_pat_\w{16,}|(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])/gi

/** Each form in which a value may travel. */
function formsOf(value: string): string[] {
  return [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('base64url'),
    ...insideBase64(value),
  ]
}

/** `user:secret` in base64 holds the secret from the middle of three bytes on: what is the same whatever stands before and behind it. */
function insideBase64(value: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.from(' '.repeat(before) + value)
    const [begin, end] = [Math.ceil((before * 4) / 3), Math.floor((bytes.length * 4) / 3)]
    const forms = [bytes.toString('base64'), bytes.toString('base64url')].map((text) => text.slice(begin, end))
    // Fewer characters would stand in ordinary text.
    return forms.filter((form) => form.length >= 8)
  })
}

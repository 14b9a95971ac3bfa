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
  #values: string[] = []

  constructor(secrets: Iterable<Secret> = []) {
    for (const secret of secrets) secret.watch((value) => this.add(value))
  }

  /** Values under 4 characters are left alone: they would blank out ordinary text. */
  add(value: string): void {
    if (value.length < 4) return
    const forms = [
      value,
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
      Buffer.from(value).toString('base64url'),
      JSON.stringify(value).slice(1, -1),
    ]
    this.#values = [...new Set([...this.#values, ...forms])].sort((a, b) => b.length - a.length)
  }

  scrub(text: string): string {
    let clean = text
    for (const value of this.#values) if (clean.includes(value)) clean = clean.replaceAll(value, hidden)
    return clean
  }
}

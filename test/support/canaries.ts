/** Secrets that were handed out, to be found again wherever they should not be. */
export class Canaries {
  readonly #values = new Set<string>()

  /** Remembers a secret and answers it. */
  add(value: string): string {
    if (value.length < shortest) throw new Error(`"${value}" is too short to be looked for`)
    this.#values.add(value)
    return value
  }

  get size(): number {
    return this.#values.size
  }

  /** Those of the secrets that stand in the text, as they are or in a form in which they travel. */
  in(text: string): string[] {
    return [...this.#values].filter((value) => forms(value).some((form) => text.includes(form)))
  }
}

/** Shorter ones would be found in ordinary text. */
export const shortest = 8

function forms(value: string): string[] {
  const inBase64 = [0, 1, 2].flatMap((before) => [
    encoded(value, before, 'base64'),
    encoded(value, before, 'base64url'),
  ])
  return [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), ...inBase64]
}

/** What of the value's base64 is the same whatever stands before and behind it: `user:secret` begins in the middle of three bytes. */
function encoded(value: string, before: number, encoding: 'base64' | 'base64url'): string {
  const bytes = Buffer.from(' '.repeat(before) + value)
  const whole = bytes.toString(encoding).replace(/=+$/, '')
  return whole.slice(Math.ceil((before * 4) / 3), Math.floor((bytes.length * 4) / 3))
}

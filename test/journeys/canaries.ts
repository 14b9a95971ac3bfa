/** Secrets that were handed out, to be found again wherever they should not be. */
export class Canaries {
  readonly #values = new Set<string>()

  /** Remembers a secret and answers it. */
  add(value: string): string {
    if (value.length < 8) throw new Error(`"${value}" is too short to be looked for`)
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

function forms(value: string): string[] {
  return [value, encodeURIComponent(value), Buffer.from(value).toString('base64').replace(/=+$/, '')]
}

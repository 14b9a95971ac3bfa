import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * One row of what happened, in the manner of Jepsen: an operation is invoked, and then is `ok`, `fail` (it certainly did not happen) or
 * `info` (nobody can tell). What happens without being asked for, a fault or a fact of the world, is a single `info` row.
 */
export interface Row {
  /** Who did it: one operation at a time. */
  process: string
  type: 'invoke' | 'ok' | 'fail' | 'info'
  f: string
  value: Value
  /** Milliseconds since the history began. */
  t: number
}

export type Value = Readonly<Record<string, unknown>>

/** Writes each row to a file as it happens, so that what killed the test is in it, too. */
export class History {
  readonly #file: string
  readonly #began = performance.now()
  #operations = 0

  constructor(file: string) {
    this.#file = file
    writeFileSync(file, '')
  }

  /** A fault, or a fact of the world. */
  note(process: string, f: string, value: Value = {}): void {
    this.#write({ process, type: 'info', f, value })
  }

  /** Notes that an operation begins; answers how to note its end, with what has become known by then. */
  invoke(kind: string, f: string, value: Value): (type: 'ok' | 'fail' | 'info', known?: Value) => void {
    const process = `${kind}-${++this.#operations}`
    this.#write({ process, type: 'invoke', f, value })
    return (type, known = {}) => this.#write({ process, type, f, value: { ...value, ...known } })
  }

  /** From the file, as whoever checks it later would. */
  rows(): Row[] {
    return readFileSync(this.#file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  }

  #write(row: Omit<Row, 't'>): void {
    appendFileSync(this.#file, `${JSON.stringify({ ...row, t: Math.round(performance.now() - this.#began) })}\n`)
  }
}

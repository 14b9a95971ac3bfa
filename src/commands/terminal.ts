/** A screen that is drawn again and again: what was there before comes back at the end. */
export interface Terminal {
  readonly columns: number
  readonly rows: number
  draw(lines: readonly string[]): void
  /** Aborted by `q` or Ctrl-C. */
  readonly left: AbortSignal
  close(): void
}

/** `q`, `Q` and Ctrl-C, which is a key like others here. */
const leavingKeys = [0x71, 0x51, 0x03]
/** The other screen, without a cursor, and without a second line for what is too long. */
const alternate = { on: '\x1b[?1049h\x1b[?25l\x1b[?7l', off: '\x1b[?7h\x1b[?25h\x1b[?1049l' }

/** Takes over the terminal. `resized` is called when it has another size. */
export function openTerminal(input: NodeJS.ReadStream, output: NodeJS.WriteStream, resized: () => void): Terminal {
  const leaving = new AbortController()
  const onKey = (keys: Buffer) => {
    if (keys.some((key) => leavingKeys.includes(key))) leaving.abort()
  }
  output.write(alternate.on)
  output.on('resize', resized)
  if (input.isTTY) {
    input.setRawMode(true)
    input.on('data', onKey)
    input.resume()
  }
  return {
    get columns() {
      return output.columns || 80
    },
    get rows() {
      return output.rows || 24
    },
    left: leaving.signal,
    draw(lines) {
      // Each line over the one that was there, the rest of it cleared, all in one write: nothing is blank in between.
      output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
    },
    close() {
      output.off('resize', resized)
      if (input.isTTY) {
        input.off('data', onKey)
        input.setRawMode(false)
        input.pause()
      }
      output.write(alternate.off)
    },
  }
}

/** Colours are for people at a terminal who did not forbid them (no-color.org). */
export function wantsColours(output: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): boolean {
  return output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}

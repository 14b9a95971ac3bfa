/** One thing that is wrong, and where. */
export interface Problem {
  /** From 1. */
  line: number
  /** From 1. */
  column: number
  /** Such as `instances[0].targets[1].max`; empty for the file as a whole. */
  path: string
  /** What was expected, what was found, and a hint; never a secret. */
  message: string
}

/** The configuration cannot be used. `message` is the finished text: one line for each problem, in the order of the file. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid'
  readonly file: string
  readonly problems: readonly Problem[]

  constructor(file: string, problems: readonly Problem[]) {
    const bySentence = new Map(problems.map((problem) => [sentence(file, problem), problem]))
    const sorted = [...bySentence].sort(([, a], [, b]) => a.line - b.line || a.column - b.column)
    super(sorted.map(([text]) => text).join('\n'))
    this.file = file
    this.problems = sorted.map(([, problem]) => problem)
  }
}

function sentence(file: string, { line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}${path && ` ${path}`}: ${message}`
}

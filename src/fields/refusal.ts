/** The sentence of a refusal, in the one form that all have. */
export function told(expected: string, hint = ''): (issue: { input?: unknown }) => string {
  return ({ input }) => `expected ${expected}, found ${found(input)}${hint && `, ${hint}`}`
}

/** A value for people. Never use it for a secret, nor for what may carry one (URLs). */
export function found(input: unknown): string {
  if (typeof input === 'number' || typeof input === 'boolean') return String(input)
  if (typeof input !== 'string') return foundKind(input)
  if (/^(gh[a-z]_|github_pat_)|^[0-9a-f]{40}$|:\/\//.test(input) || /\p{C}/u.test(input)) return 'another text'
  return JSON.stringify(input.length > 40 ? `${input.slice(0, 40)}…` : input)
}

/** What sort of value it is, without the value. */
export function foundKind(input: unknown): string {
  if (input === undefined || input === null) return 'nothing'
  if (Array.isArray(input)) return input.length === 0 ? 'an empty list' : 'a list'
  if (typeof input === 'object') return 'a mapping'
  return typeof input === 'string' ? 'a text' : `a ${typeof input}`
}

/** One thing that `muster check` looked at. */
export interface Finding {
  /** `problem`: some job will get no runner. `warning`: it works, but not as it should. `note`: worth knowing. */
  level: 'good' | 'note' | 'warning' | 'problem'
  /** What was looked at, for machines: `forge_reachable`, `token`, `hook`, … */
  check: string
  /** What is so, in one sentence without a secret. */
  message: string
  /** How to mend it, in the words of the forge or of the file; null where nothing is to be done. */
  fix: string | null
}

// The four levels, as one says them.

export const good = (check: string, message: string): Finding => ({ level: 'good', check, message, fix: null })

export const note = (check: string, message: string, fix: string | null = null): Finding => ({
  level: 'note',
  check,
  message,
  fix,
})

export const warning = (check: string, message: string, fix: string): Finding => ({
  level: 'warning',
  check,
  message,
  fix,
})

export const problem = (check: string, message: string, fix: string): Finding => ({
  level: 'problem',
  check,
  message,
  fix,
})

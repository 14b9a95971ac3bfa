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

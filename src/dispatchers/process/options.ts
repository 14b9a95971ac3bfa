export interface ProcessOptions {
  /** The runner command as an argument list; null for the one that fits the forge's runner. */
  command: readonly string[] | null
  /** Where each runner gets a folder of its own; absolute. */
  workDir: string
  /** The system user that runners run as; null for our own. */
  user: string | null
  /** Added to the small environment that runners get. */
  env: Readonly<Record<string, string>>
}

/** What was reached at least once: a simulator that has gone quiet would find nothing wrong for ever. */
export class Reached {
  readonly counts = new Map<string, number>()

  note(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  add(other: Reached): void {
    for (const [what, times] of other.counts) this.note(what, times)
  }

  /** Those of these that were never reached. */
  missing(all: readonly string[]): string[] {
    return all.filter((what) => !this.counts.has(what))
  }
}

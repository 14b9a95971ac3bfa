/** The known word that needs the fewest changes, at most two (one for short words). Capital letters are no change. */
export function nearest(word: string, known: readonly string[]): string | null {
  const allowed = word.length < 4 ? 1 : 2
  const [best] = known
    .map((candidate) => ({ candidate, changes: changes(word.toLowerCase(), candidate) }))
    .filter((one) => one.changes <= allowed)
    .sort((a, b) => a.changes - b.changes)
  return best?.candidate ?? null
}

/** Edit distance, in which two letters that changed places count once. */
function changes(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 9) + 1 : 9
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swapped))
    }
    ;[before, row] = [row, next]
  }
  return row[b.length] ?? 0
}

/** More labels than any runner offers, and longer ones than any forge lets a person type. */
const most = 100
const longest = 256

/**
 * Labels as they are kept. What goes beyond the limits is cut and the cut is written into the label itself, with a character that no target's label bears:
 * the job is recorded and shown as unmatched, so nothing is lost, and no cut label can match by accident, so nothing is dispatched.
 */
export function boundedLabels(labels: readonly string[]): readonly string[] {
  const kept = labels.length > most ? [...labels.slice(0, most - 1), `… ${labels.length - most + 1} more`] : labels
  return kept.some((label) => label.length > longest) ? kept.map(bounded) : kept
}

function bounded(label: string): string {
  return label.length > longest ? `${label.slice(0, longest - 1)}…` : label
}

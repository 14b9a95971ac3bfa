/** Parses JSON whose integers may pass 2^53, as GitHub's delivery ids do since 2026: such a one comes as the text of its digits. */
export function exactly(body: string): unknown {
  return JSON.parse(body, exact)
}

/** TypeScript does not know the third argument yet: the text of the value as it stands there. */
function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && Number.isInteger(value) ? context?.source : value
}

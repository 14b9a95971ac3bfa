import { comparable, type LabelRules } from './labels.ts'
import { isWithin, type Scope, scopeKey } from './scope.ts'

/** What callers of the dispatcher API may ask for; an empty list lets everything pass. */
export interface Permit {
  allowLabels: readonly string[]
  /** As `scopeKey` writes them. */
  allowScopes: readonly string[]
  defaultScope: Scope | null
}

/** The scope of a runner, or why it may not be had. What the caller leaves out is not checked against the list. */
export function permittedScope(asked: Scope | null, own: Scope, permit: Permit): Scope | { refused: string } {
  const { allowScopes, defaultScope } = permit
  if (asked === null) return defaultScope && isWithin(defaultScope, own) ? defaultScope : own
  if (!isWithin(asked, own))
    return { refused: `scope: ${scopeKey(asked)} lies outside the instance, which serves ${scopeKey(own)}` }
  if (allowScopes.length > 0 && !allowScopes.includes(scopeKey(asked)))
    return { refused: `scope: ${scopeKey(asked)} is not in dispatcher_api.allow_scopes` }
  return asked
}

/** The first label that may not be asked for; null when all may. As in the ancestor, what follows a colon is no part of it. */
export function forbiddenLabel(labels: readonly string[], { allowLabels }: Permit, rules: LabelRules): string | null {
  const bare = (label: string) => comparable(label.replace(/:.*$/s, '').trim(), rules)
  const allowed = new Set(allowLabels.map(bare))
  return allowed.size === 0 ? null : (labels.find((label) => !allowed.has(bare(label))) ?? null)
}

/** What part of a forge an instance serves. */
export interface Scope {
  level: 'repository' | 'organization' | 'user' | 'instance' | 'enterprise'
  /** The owner of a repository, the organization, the user or the enterprise's slug; null at instance level. */
  owner: string | null
  name: string | null
}

/** The form in which scopes are compared, as `dispatcher_api.allow_scopes` writes them: `instance`, `organization:acme`, `repository:acme/site`. */
export function scopeKey({ level, owner, name }: Scope): string {
  const place = [owner, name].filter((part) => part !== null).join('/')
  return (place === '' ? level : `${level}:${place}`).toLowerCase()
}

/** True when all that a runner of `inner` may serve lies in `outer`. What belongs to an enterprise nobody but its forge knows. */
export function isWithin(inner: Scope, outer: Scope): boolean {
  if (outer.level === 'instance' || scopeKey(inner) === scopeKey(outer)) return true
  const owns = outer.level === 'organization' || outer.level === 'user'
  return owns && inner.level === 'repository' && inner.owner?.toLowerCase() === outer.owner?.toLowerCase()
}

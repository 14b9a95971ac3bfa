/** What part of a forge an instance serves. */
export interface Scope {
  level: 'repository' | 'organization' | 'user' | 'instance' | 'enterprise'
  /** The owner of a repository, the organization, the user or the enterprise's slug; null at instance level. */
  owner: string | null
  name: string | null
}

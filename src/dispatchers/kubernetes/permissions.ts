/** What this kind asks of the API server: exactly what the Role in deploy/kubernetes/rbac.yaml grants. */
export const permissions = [
  { group: 'batch', resource: 'jobs', verbs: ['create', 'get', 'list', 'watch', 'patch', 'delete'] },
  { group: '', resource: 'secrets', verbs: ['create'] },
  { group: '', resource: 'pods', verbs: ['list', 'watch'] },
  { group: '', resource: 'events', verbs: ['list', 'watch'] },
] as const

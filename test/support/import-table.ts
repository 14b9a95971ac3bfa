/** Anyone may import these: ports and the vocabulary of values. */
export const everywhere = ['clock.ts', 'ids.ts', 'secret.ts']

/** The three seams. */
export const interfaces = [
  'forges/forge.ts',
  'forges/errors.ts',
  'dispatchers/dispatcher.ts',
  'dispatchers/errors.ts',
  'store/store.ts',
]

/** `a/` is all of a folder, `a/*` its files without its folders, `*` everything. Packages of Node are free to all but `core/`. */
export interface ImportRule {
  from: string
  may: readonly string[]
  packages: readonly string[] | 'any'
}

/** Who may import whom: a folder or a file, the first that fits. No arrow turns back. ARCHITECTURE.md shows the same table. */
export const importTable: readonly ImportRule[] = [
  { from: 'core/', may: ['core/'], packages: ['croner'] },
  { from: 'clock.ts', may: [], packages: [] },
  { from: 'ids.ts', may: [], packages: [] },
  { from: 'secret.ts', may: [], packages: [] },
  { from: 'log.ts', may: [], packages: ['pino'] },
  { from: 'metrics.ts', may: [], packages: ['prom-client'] },
  {
    from: 'traces.ts',
    may: ['core/'],
    packages: [
      '@opentelemetry/api',
      '@opentelemetry/sdk-trace',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
    ],
  },
  { from: 'version.ts', may: [], packages: [] },
  { from: 'http-client.ts', may: [], packages: [] },
  { from: 'fields', may: ['core/nearest.ts', 'fields.ts', 'fields/'], packages: ['zod', 'yaml'] },
  ...siblings('forges', ['own-server'], ['zod']),
  ...siblings('forges', ['forgejo', 'gitea'], ['zod'], ['forges/own-server/']),
  ...siblings('forges', ['github'], ['zod', '@octokit/auth-app']),
  { from: 'forges/index.ts', may: ['forges/'], packages: [] },
  {
    from: 'forges/',
    may: ['core/', 'http-client.ts', 'fields.ts', 'fields/', 'forges/*'],
    packages: ['zod', '@octokit/webhooks-methods'],
  },
  ...siblings('dispatchers', ['http', 'process', 'nomad', 'command'], ['zod']),
  ...siblings('dispatchers', ['docker'], ['zod', 'dockerode']),
  ...siblings('dispatchers', ['kubernetes'], ['zod', '@kubernetes/client-node']),
  { from: 'dispatchers/index.ts', may: ['core/', 'dispatchers/'], packages: [] },
  {
    from: 'dispatchers/',
    may: ['core/', 'http-client.ts', 'fields.ts', 'fields/', 'dispatchers/*'],
    packages: ['zod'],
  },
  { from: 'store/postgres/', may: ['store/store.ts', 'store/sql/', 'store/postgres/'], packages: ['pg'] },
  { from: 'store/', may: ['core/', 'store/'], packages: [] },
  {
    from: 'config/',
    may: [
      'core/',
      'config/',
      'fields.ts',
      'fields/',
      'forges/index.ts',
      'forges/forge.ts',
      'dispatchers/index.ts',
      'dispatchers/dispatcher.ts',
    ],
    packages: ['zod', 'yaml', 'croner'],
  },
  { from: 'delivery-record.ts', may: ['core/', ...interfaces], packages: [] },
  {
    from: 'worker/',
    may: ['core/', 'worker/', ...interfaces, 'delivery-record.ts', 'log.ts', 'metrics.ts', 'traces.ts'],
    packages: [],
  },
  {
    from: 'server/',
    may: [
      'core/',
      'server/',
      ...interfaces,
      'delivery-record.ts',
      'log.ts',
      'metrics.ts',
      'config/config.ts',
      'config/reloaded.ts',
      'fields.ts',
    ],
    packages: ['hono', '@hono/node-server', '@hono/zod-openapi', 'zod'],
  },
  { from: 'simulation/', may: ['core/', 'simulation/', ...interfaces], packages: ['hono', '@hono/node-server'] },
  { from: 'history.ts', may: ['core/', 'config/config.ts', 'log.ts', 'store/store.ts'], packages: [] },
  { from: 'app.ts', may: ['*'], packages: [] },
  { from: 'world.ts', may: ['*'], packages: [] },
  { from: 'hook-keepers.ts', may: ['*'], packages: [] },
  { from: 'reload.ts', may: ['*'], packages: [] },
  { from: 'orphans.ts', may: ['core/', 'log.ts', ...interfaces], packages: [] },
  { from: 'watch.ts', may: ['clock.ts', 'fields/'], packages: [] },
  { from: 'parts.ts', may: ['*'], packages: [] },
  { from: 'inspection/', may: ['*'], packages: ['zod'] },
  {
    from: 'commands/',
    may: [
      'app.ts',
      'inspection/',
      'log.ts',
      'http-client.ts',
      'commands/',
      'config/',
      'simulation/',
      'core/',
      'worker/',
    ],
    packages: 'any',
  },
  { from: 'main.ts', may: ['commands/', 'version.ts'], packages: [] },
]

/** The folders of one seam never see each other, only what they share. */
function siblings(seam: string, folders: string[], packages: string[], shared: string[] = []): ImportRule[] {
  return folders.map((folder) => ({
    from: `${seam}/${folder}/`,
    may: ['core/', 'http-client.ts', 'fields.ts', 'fields/', `${seam}/*`, ...shared, `${seam}/${folder}/`],
    packages,
  }))
}
